-- SPDX-License-Identifier: MIT
-- Tables, strings, closures and coroutines.
local x = 1
local function random(n)
	x = x * 16807 % 2147483647
	return x % n
end

local function tree(n)
	if n == 0 then
		return {}
	end
	return { tree(n - 1), tree(n - 1), depth = n }
end

local function count(t)
	return 1 + (t[1] and count(t[1]) + count(t[2]) or 0)
end

local nodes = 0
for depth = 6, 15 do
	for _ = 1, 2 ^ (15 - depth) do
		nodes = nodes + count(tree(depth))
	end
end
print(nodes)

local words = {}
for i = 1, 400000 do
	local w = string.format("%x-%d", random(50000), i % 7)
	words[w] = (words[w] or 0) + 1
end
local keys = {}
for w in pairs(words) do
	keys[#keys + 1] = w
end
table.sort(keys)
print(#keys, keys[1], keys[#keys])

local text = table.concat(keys, " ")
local t, n = text:gsub("(%x+)-(%d)", "%2:%1")
print(#t, n, select(2, t:gsub("%d+", function(m) return m * 2 .. "" end)))

local routines = {}
for i = 1, 20000 do
	routines[i] = coroutine.wrap(function()
		for k = 1, 4 do
			coroutine.yield({ k * i })
		end
		return { 0 }
	end)
end
local sum = 0
for _ = 1, 5 do
	for i = 1, #routines do
		sum = sum + routines[i]()[1]
	end
end
print(sum)
