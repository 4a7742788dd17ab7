# SPDX-License-Identifier: MIT
# tclsh: dictionaries, lists, regular expressions, coroutines and interpreters;
# small blocks come from pools of its own, larger strings and lists from malloc

run()
{
	tclsh <<-'END'
	set x 1
	proc next {} { global x; set x [expr {$x * 16807 % 2147483647}] }
	set words {}
	for {set i 0} {$i < 30000} {incr i} {
		set first [expr {[next] % 5000}]
		lappend words [format %x-%d $first [expr {[next] % 20}]]
	}
	set count [dict create]
	foreach w $words { dict incr count $w }
	puts "[dict size $count] [lrange [lsort [dict keys $count]] 0 4]"
	puts [string length [regsub -all {(\d)([a-f])} [join $words] {\2\1}]]
	foreach w $words { append by([string index $w 0]) $w , }
	foreach k [lsort [array names by]] { puts "$k [string length $by($k)]" }
	for {set i 0} {$i < 60} {incr i} {
		interp create child$i
		child$i eval {
			set l {}
			for {set j 0} {$j < 200} {incr j} {
				lappend l [string repeat x $j]
			}
		}
		incr total [string length [child$i eval { join $l - }]]
		if {$i % 3} { interp delete child$i }
	}
	puts $total
	for {set i 0} {$i < 400} {incr i} {
		lappend big [string repeat [next] [expr {$i * 20}]]
	}
	for {set i 0} {$i < 4000} {incr i} {
		set k [expr {[next] % 400}]
		set s [string reverse [lindex $big $k]]z
		lset big $k [string range $s 1 end]
	}
	puts [string length [join $big]]
	proc gen {n} {
		yield
		for {set i 0} {$i < $n} {incr i} { yield [string repeat a $i] }
		return end
	}
	for {set i 0} {$i < 200} {incr i} {
		coroutine c$i gen 20
		for {set j 0} {$j < 10} {incr j} { append all [c$i] }
	}
	puts [string length $all]
	END
}
