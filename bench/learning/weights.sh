#!/bin/sh
# SPDX-License-Identifier: MIT
#
# weights.sh - the weights of lib/learn, from traces of programs: make weights.
#
#	weights.sh BUILD-FOLDER
#
# BUILD-FOLDER/bench/traces has the suite's real programs, as they are recorded there. This
# adds workloads that real programs do not show: phases, and a service with pauses. Some
# programs are left out whole, and judge. What is trained lies in BUILD-FOLDER/bench/learning.
#
# SEEDS and EPISODES change how much is trained. A training that was stopped goes on.

set -u
build=${1:?usage: weights.sh BUILD-FOLDER}
cd "$build" || exit
traces=bench/traces
to=bench/learning
left_out="perl sqlite3 ruby git-log vectors"
workloads="phases service documents vectors symbols large strings server"

mkdir -p "$to" || exit
for name in $workloads; do
	[ -e "$traces/$name.trace" ] && continue
	./quern record -o "$traces/$name.trace" -- bench/workloads "$name" 1 20 \
		>/dev/null || exit
done

is_left_out() # NAME
{
	case " $left_out " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# NAME-OF-WEIGHTS FOLDER-OF-TRACES OPTIONS
train()
{
	weights=$1
	folder=$2
	shift 2
	for trace in "$folder"/*.trace; do
		name=${trace##*/}
		if is_left_out "${name%.trace}"; then
			set -- "$@" "--validate=$trace"
		else
			set -- "$@" "$trace"
		fi
	done
	./quern train --for="$weights" --seeds="${SEEDS:-4}" \
		-o "$to/weights-$weights.h" "$@" || exit
}

train process "$traces" --episodes="${EPISODES:-2000}"

# For firmware: whole objects are left out until a device would hold the rest
mkdir -p "$to/cut" || exit
for trace in "$traces"/*.trace; do
	cut=$to/cut/${trace##*/}
	[ -e "$cut" ] || ./quern trace cut --heap=60K --events=30000 -o "$cut" \
		"$trace" >/dev/null || exit
done
train heap "$to/cut" --episodes="${EPISODES:-2000}"
