# SPDX-License-Identifier: MIT
# Strings, hashes, symbols, Marshal, JSON, threads and fibers.
require 'digest'
require 'json'

@x = 1
def random(n)
  @x = @x * 16807 % 2147483647
  @x % n
end

words = Array.new(60000) { "%x-word-number-%d" % [random(8000), random(50)] }
count = words.tally
puts count.size, count.max_by(3) { |w, n| [n, w] }.inspect
puts Digest::SHA256.hexdigest(words.sort.join(','))

rows = words.each_slice(5).map do |s|
  { size: s[0].length, list: s, text: s.join(' ') * 2 }
end
json = JSON.generate(rows)
puts JSON.parse(json).length, Digest::SHA256.hexdigest(json)
puts Marshal.load(Marshal.dump(rows)) == rows
puts words.map { |w| w.gsub(/(\d)([a-f])/) { "#{$2}#{$1}" }.tr('a-m', 'n-z') }
          .uniq.size

tree = {}
count.each_key { |w| w.each_char.inject(tree) { |t, c| t[c.to_sym] ||= {} } }
size = ->(t) { 1 + t.values.sum(&size) }
puts size.(tree)

queue = Queue.new
threads = Array.new(4) do |i|
  Thread.new { 2000.times { |k| queue << (i.to_s * 50 + k.to_s * 20) } }
end
threads.each(&:join)
puts Array.new(queue.size) { queue.pop }.sort.join.sum

fibers = Array.new(1000) do |i|
  Fiber.new { 5.times { |k| Fiber.yield [i, k].to_s * 9 }; '' }
end
puts(Array.new(6) { fibers.sum { |f| f.resume.length } }.sum)
puts (1..1500).inject(:*).to_s.length
