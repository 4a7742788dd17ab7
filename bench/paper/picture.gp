# SPDX-License-Identifier: MIT
#
# picture.gp - footprint against instructions of a malloc and a free, a point for each
# system. Needs the variables points (a file) and out.
set terminal svg size 720,480 font "sans,12"
set output out
set logscale y
set xrange [65:105]
set yrange [50:5000]
set xlabel "smallest heap that the pipeline completes in, KB"
set ylabel "instructions of a malloc and a free, mean"
set grid
set key off
plot points using 2:3 with points pointtype 7 pointsize 1, \
     points using 2:3:1 with labels left offset 1,0.4 noenhanced
