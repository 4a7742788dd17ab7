# SPDX-License-Identifier: MIT
#
# evidence.gp - J by policy; memory over time of one program under two policies, with the
# knobs that they turn; and learning curves. Needs the variable data, a folder.
set terminal svg size 900,480 font "sans,12"
set output data."/policies.svg"
set style data histogram
set style fill solid 0.8
set ylabel "J over the default, geometric mean"
set title "Programs left out, with pauses"
set yrange [0:2]
set grid y
set xtics rotate by -30
plot data."/bars" using 2:xtic(1) title "price 7.5", \
     "" using 3 title "0.75", "" using 4 title "0.075"
reset
set terminal svg size 900,600 font "sans,12"
set output data."/course.svg"
set multiplot layout 2,1
set grid
set ylabel "MB resident"
set xlabel "ms"
plot data."/course-rule" using 1:2 with steps title "rule, price 0.75", \
     data."/course-bandit" using 1:2 with steps title "bandit", \
     data."/course-dqn" using 1:2 with steps title "dqn"
set ylabel "knobs"
set logscale y
plot data."/course-rule" using 1:3 with steps title "rule: ms that freed memory is kept", \
     data."/course-bandit" using 1:3 with steps title "bandit: the same", \
     data."/course-dqn" using 1:3 with steps title "dqn: the same", \
     data."/course-rule" using 1:4 with steps title "rule: dirty, KB", \
     data."/course-bandit" using 1:4 with steps title "bandit: the same", \
     data."/course-dqn" using 1:4 with steps title "dqn: the same"
unset multiplot
reset
set terminal svg size 900,480 font "sans,12"
set output data."/curve.svg"
set grid
set title "Policy dqn without rails, on programs that choose among networks; a line a seed"
set xlabel "episodes"
set ylabel "cost over the rule's, geometric mean"
plot data."/curve" using 2:3 with linespoints pointtype 7 pointsize 0.5 title "seeds", \
     1 with lines dashtype 2 title "the rule"
