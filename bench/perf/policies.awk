# SPDX-License-Identifier: MIT
#
# policies.awk - of what bench/learning/evidence prints: J of policies over that of the rule at
# each price, on programs that were left out, as counts of perf.sh.

/^policy +all \|/ {
	inside = 1
	next
}
inside && !NF { inside = 0 }
inside && /^(bandit|dqn|paper-dqn) / {
	print "J/" $1 "/7.5", $4
	print "J/" $1 "/2", $5
	print "J/" $1 "/0.75", $6
	print "J/" $1 "/0.075", $7
	found++
}
END { exit found < 3 }
