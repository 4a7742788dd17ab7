# SPDX-License-Identifier: MIT
# gnuplot: functions, fits, surfaces, histograms and smoothing as SVG and as
# text

prepare()
{
	numbers 6000 | awk '{
		print NR, $1 % 1000, sin(NR / 50) * 100 + $1 % 50, $1 % 7
	}' >data
}

run()
{
	gnuplot <<-END
	set fit quiet logfile '/dev/null'
	set terminal svg size 800,600 name 'p'
	set output 'a.svg'
	set samples 2000
	plot for [k=1:12] sin(k*x)/k + exp(-x*x/k) title sprintf('curve %d', k), \\
		'$IN/data' using (\$1/300-10):(\$3/100)
	set output 'b.svg'
	set isosamples 60; set hidden3d; set contour; set dgrid3d 30,30
	splot '$IN/data' using 1:2:3 with lines, x*y/1000 with lines
	unset dgrid3d
	set output 'c.svg'
	set style data histogram
	plot '$IN/data' using 2 every 30, '' using 4 every 40, \\
		'' using 3 smooth bezier with lines
	set style data lines
	set terminal dumb 100,30
	set output 'd.txt'
	f(x) = a * sin(b * x) + c
	a = 90; b = 0.02; c = 20
	fit f(x) '$IN/data' using 1:3 via a, b, c
	plot '$IN/data' using 1:3 every 20, f(x)
	set print '-'
	print sprintf('%.4f %.4f %.4f', a, b, c)
	array A[5000]
	part(i) = substr('abcdefghij', i%10+1, 10)
	do for [i=1:5000] { A[i] = sprintf('%d-%s', i*i, part(i)) }
	s = ''
	do for [i=1:5000] { s = (strlen(s) > 500 ? '' : s) . A[i] }
	print strlen(s), words(s)
	END
}

verify()
{
	cksum *.svg d.txt
}
