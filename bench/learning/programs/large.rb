# SPDX-License-Identifier: MIT
# large.rb - orders are made, grouped, written and read again, four times: 20 to 60 MB.
state = 1
below = lambda do |n|
  state = state * 16_807 % 2_147_483_647
  state % n
end
sum = 0
4.times do |round|
  orders = Array.new(12_000 * (round + 1)) do |i|
    { id: i, customer: "customer number #{below.call(5000)} of the house",
      items: Array.new(1 + below.call(4)) { |k| "an item with a long name #{below.call(900)} #{k}" } }
  end
  groups = orders.group_by { |o| o[:customer] }
  sum += groups.size
  text = orders.map { |o| "#{o[:id]}\t#{o[:customer]}\t#{o[:items].join(',')}" }.join("\n")
  orders = groups = nil
  GC.start
  read = text.each_line.map { |l| l.chomp.split("\t") }
  sum += read.sum { |r| r[2].length }
  text = nil
  sum += read.map { |r| r[1] }.uniq.size
  read = nil
  GC.start
end
puts sum
