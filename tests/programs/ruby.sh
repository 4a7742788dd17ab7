# SPDX-License-Identifier: MIT
# ruby: strings, hashes, symbols, regular expressions, Marshal, JSON, threads,
# fibers and extension libraries

run()
{
	ruby --disable-gems - <<-'END'
	require 'digest'
	require 'json'
	require 'set'
	require 'stringio'
	require 'strscan'
	require 'zlib'
	x = 1
	nxt = -> { x = x * 16807 % 2147483647 }
	words = Array.new(30000) do
	  "%x-word-number-%d" % [nxt.() % 4000, nxt.() % 50]
	end
	count = words.tally
	puts count.size, count.max_by(3) { |w, n| [n, w] }.inspect
	puts Digest::SHA256.hexdigest(words.sort.join(','))
	rows = words.each_slice(5).map do |s|
	  { id: s[0].length, list: s, text: s.join(' ') * 2 }
	end
	json = JSON.generate(rows)
	again = JSON.generate(JSON.parse(json))
	puts JSON.parse(json).length, Zlib.crc32(again)
	puts Zlib.crc32(Marshal.dump(Marshal.load(Marshal.dump(rows))))
	swapped = words.map { |w| w.gsub(/(\d)([a-f])/) { "#{$2}#{$1}" } }
	puts swapped.map { |w| w.tr('a-m', 'n-z') }.uniq.size
	tree = {}
	count.each_key do |w|
	  w.each_char.inject(tree) { |t, c| t[c.to_sym] ||= {} }
	end
	size = ->(t) { 1 + t.values.sum(&size) }
	puts size.(tree)
	queue = Queue.new
	threads = 4.times.map do |i|
	  Thread.new { 300.times { |k| queue << (i.to_s * 50 + k.to_s * 20) } }
	end
	threads.each(&:join)
	puts queue.size, Array.new(queue.size) { queue.pop }.sort.join.sum
	fibers = Array.new(300) do |i|
	  Fiber.new { 5.times { |k| Fiber.yield [i, k].to_s * 9 }; '' }
	end
	puts 6.times.sum { fibers.sum { |f| f.resume.length } }
	puts (1..400).inject(:*).to_s.length, 3.pow(5000, 10**40)
	scan = StringScanner.new(words.first(2000).join(' '))
	n = 0
	n += scan.matched.length while scan.scan_until(/\d+-/)
	puts n, words.to_set.size
	puts((words * 2).each_cons(3).count { |a, b, c| a > b && b > c })
	END
}
