# SPDX-License-Identifier: MIT
#
# programs.sh - to be read by weights.sh and evidence.sh, in the build directory: recorded
# programs, and which of them are left out of all learning.
#
# $traces has the suite's real programs. record_workloads adds what real programs do not
# show: phases, and a service with pauses.

traces=bench/traces
left_out="perl sqlite3 ruby git-log vectors"
workloads="phases service documents vectors symbols large strings server"

record_workloads()
{
	for name in $workloads; do
		[ -e "$traces/$name.trace" ] && continue
		./quern record -o "$traces/$name.trace" -- bench/workloads \
			"$name" 1 20 >/dev/null || exit
	done
}

is_left_out() # NAME
{
	case " $left_out " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}
