# SPDX-License-Identifier: MIT
#
# threads.rb - worker threads that build and drop strings and hashes, as a job runner does.
#
# One thread runs at a time, and the collector frees in whichever it happens to be: most
# blocks are freed by another thread than the one that allocated them, and that one sleeps.

def rss
  File.read('/proc/self/statm').split[1].to_i * 4 / 1024
end

def job
  rows = Array.new(400) do |i|
    { 'id' => i, 'name' => "n#{i}" * (rand(60) + 1), 'body' => 'x' * rand(6000) }
  end
  rows.map { |r| r['name'].upcase + r['body'] }.join(',').size
end

6.times do |round|
  12.times.map { |t| Thread.new { srand(t + round); 60.times { job } } }.each(&:join)
  GC.start
end
GC.start(full_mark: true)
puts "rss after: #{rss} MB"
