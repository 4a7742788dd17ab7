# SPDX-License-Identifier: MIT
#
# history.gp - bench/perf/history.txt as a picture: each group's mean over its first one.

set terminal svg size 720,300 font 'sans-serif,12' background 'white'
set output plot_to
set key outside right
set ylabel 'over the first row'
set xlabel 'accepted baselines'
set xtics 1
set yrange [*:*]
set grid ytics
first(x, row) = (row == 0 ? (base = x, 1) : x / base)
plot for [c = 3:7] history using 0:(first(column(c), column(0))) \
	with linespoints title word('pairs replays J firmware size', c - 2)
