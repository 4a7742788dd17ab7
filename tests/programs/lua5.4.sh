# SPDX-License-Identifier: MIT
# lua5.4: tables, strings, closures, coroutines and collections

run()
{
	lua5.4 - <<-'END'
	local function tree(n)
		if n == 0 then return {} end
		return { tree(n - 1), tree(n - 1), n = n }
	end
	local function count(t)
		return 1 + (t[1] and count(t[1]) + count(t[2]) or 0)
	end
	for i = 1, 4 do print(count(tree(15))) end
	local words, x = {}, 1
	for i = 1, 60000 do
		x = x * 16807 % 2147483647
		local w = string.format("%x-%d", x % 5000, i % 7)
		words[w] = (words[w] or 0) + 1
	end
	local keys = {}
	for w in pairs(words) do keys[#keys + 1] = w end
	table.sort(keys)
	print(#keys, keys[1], keys[#keys], #table.concat(keys, " "))
	local s = table.concat(keys, " ")
	s = s:gsub("(%x+)-(%d)", "%2:%1"):reverse():upper()
	local t, n = s:gsub("[AB]+", function(m) return #m end)
	print(#t, n)
	local co = {}
	for i = 1, 2000 do
		co[i] = coroutine.wrap(function()
			for k = 1, 5 do coroutine.yield({ k * i }) end
			return { 0 }
		end)
	end
	local sum = 0
	for k = 1, 6 do for i = 1, #co do sum = sum + co[i]()[1] end end
	print(sum)
	local lines = {}
	for i = 1, 3000 do lines[i] = ("x"):rep(i % 100) .. i end
	print(#table.concat(lines, "\n"), select("#", table.unpack(lines)))
	collectgarbage()
	print(collectgarbage("count") > 0)
	END
}
