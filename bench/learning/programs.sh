# SPDX-License-Identifier: MIT
#
# programs.sh - to be read by weights.sh and evidence.sh, in the build directory: recorded
# programs, and which of them are left out of all learning.
#
# $traces has the suite's real programs. record_workloads adds what real programs do not
# show: phases, and a service with pauses. $large_traces has programs that are left out, too,
# with tens of megabytes in use: some at larger inputs, some that the suite does not have.

traces=bench/traces
left_out="perl sqlite3 ruby git-log vectors"
large_traces=bench/learning/large
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

record_large_one() # NAME COMMAND...
{
	to_trace=$large_traces/$1.trace
	shift
	[ -e "$to_trace" ] && return
	command -v "$1" >/dev/null || {
		echo "no $1: left out (its package is in tests/packages.txt)" >&2
		return
	}
	PERL_HASH_SEED=0 ./quern record -o "$to_trace" -- "$@" >/dev/null 2>&1 ||
		rm -f "$to_trace"
}

record_large()
{
	folder=$here/programs
	mkdir -p "$large_traces" || exit
	record_large_one perl-large perl "$folder/large.pl"
	record_large_one ruby-large ruby --disable-gems "$folder/large.rb"
	record_large_one sqlite3-large sqlite3 :memory: ".read $folder/large.sql"
	record_large_one clang clang++ -O1 -g -c -o /dev/null \
		bench/in/cxx_source/program.cc
	record_large_one gdb gdb -nx -batch -ex 'info functions segment' \
		-ex 'info types qn_' -ex 'info scope qn_local_refill' ./quern
	record_large_one convert convert -limit thread 1 -size 1200x1200 \
		plasma:fractal -write mpr:a -resize 60% -blur 0x3 -rotate 10 \
		+delete mpr:a -resize 40% '(' +clone -negate -charcoal 1 ')' \
		-append -swirl 90 +delete mpr:a -edge 2 -crop 200x200 +repage \
		-append null:
}

# A folder's programs teach; those that are left out judge
train() # FOLDER-OF-TRACES OPTIONS
{
	folder=$1
	shift
	for trace in "$folder"/*.trace; do
		program=${trace##*/}
		if is_left_out "${program%.trace}"; then
			set -- "$@" "--validate=$trace"
		else
			set -- "$@" "$trace"
		fi
	done
	nice ./quern train "$@" || exit
}

# The networks of policy dqn for processes, a file a seed, and their curve. make weights and
# make bench-seeds have the same ones, so whoever comes second finds them.
seeds_folder=bench/learning/seeds

train_process() # NAME NR-OF-SEEDS EPISODES OPTIONS
{
	name=$1
	nr=$2
	episodes=$3
	shift 3
	[ ! -e "$seeds_folder/$name" ] || return 0
	mkdir -p "$seeds_folder" || exit
	train "$traces" --seeds="$nr" --episodes="$episodes" --mixes=96 \
		--part=100K --each -o "$seeds_folder/$name" "$@"
}
