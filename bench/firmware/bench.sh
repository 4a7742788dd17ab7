#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench.sh - runs the images of the benchmark in QEMU, in the build directory.
#
#	bench.sh tables		everything, as tables
#	bench.sh results	the same as lines "NAME VALUE"
#	bench.sh baseline	a small part that takes seconds, as such lines
#	bench.sh check		the same part; smallest heaps are looked for from
#				those in baseline.txt on
#	bench.sh again		some lines of check, to see that they come again
#	bench.sh sampler	the sensor pipeline with the sampler and without it
#	bench.sh hints		the sensor pipeline with sizes that the compiler knows
#
# Counts are instructions, the same on every machine and in every run. In the
# environment:
#
#	srcdir		the source tree (default: two folders above this file)
#	TRACES		a folder with more traces, *.trace
#	RUNS		sequences that each adversarial search tries
#	JOBS		how many at once (default: 2)

set -u
me=bench.sh
here=$(cd "$(dirname "$0")" && pwd)
srcdir=$(cd "${srcdir:-$here/../..}" && pwd)
images=$PWD/firmware/bench
size=${ARM_SIZE:-arm-none-eabi-size}
runs=${RUNS:-300000}
heap=131072
export srcdir images

. "$here/../common.sh"

# --- one job: bench.sh job NAME IMAGE WORD... --------------------------------

# Lines "NAME/KEY VALUE" from what an image printed. What belongs to one of several
# traces gets its name in between. The calls of a search keep their blanks.
to_named_lines()
{
	awk -v name="$1" '
	BEGIN { is_group = name ~ /\/(sensor|pipeline|unseen)$/ }
	$1 ~ /calls:$/ {
		key = $1
		sub(/:$/, "", key)
		$1 = ""
		print name "/" key $0
		next
	}
	{
		for (i = 1; i <= NF; i++) {
			at = index($i, "=")
			if (!at)
				continue
			key = substr($i, 1, at - 1)
			value = substr($i, at + 1)
			if (key == "trace") {
				trace = value
				sub(/\.trace$/, "", trace)
				trace = is_group ? trace "/" : ""
			} else if (key ~ /^(malloc|free|realloc|memalign|step)\./ ||
				   key ~ /^(factor|gaps|full)$/) {
				print name "/" key, value
			} else {
				print name "/" trace key, value
			}
		}
	}'
}

# Has no request of the pipeline failed in a heap of so many bytes?
fits() # BYTES WORD...
{
	fits_heap=$1
	shift
	"$srcdir/embedded/run-qemu.sh" -m mps2 -t 900 "$image" \
		heap="$fits_heap" "$@" >"$out.raw" 2>&1
	case $? in
	0) return 0 ;;
	3) return 1 ;;
	esac
	cat "$out.raw" >&2
	echo "$name" >>"$tmp/failed"
	return 1
}

if [ "${1-}" = job ]; then
	name=$2
	image=$images/$3
	shift 3
	out=$tmp/out/$(echo "$name" | tr / _)
	cd "$tmp/traces" || exit 1
	if [ "$1" = smallest ]; then
		shift
		echo "$name/bytes $(smallest 61440 116736 "$@")" >"$out.lines"
		exit 0
	fi
	"$srcdir/embedded/run-qemu.sh" -m mps2 -t 900 "$image" "$@" \
		>"$out.raw" || {
		cat "$out.raw" >&2
		echo "$me: $name failed: ${image##*/} $*" >&2
		echo "$name" >>"$tmp/failed"
		exit 0
	}
	to_named_lines "$name" <"$out.raw" >"$out.lines"
	exit 0
fi

# --- the plan ----------------------------------------------------------------

# The order in which jobs are planned is the order of the results
plan() # NAME IMAGE WORD...
{
	name=$1
	image=$2
	[ -r "$images/$image" ] || return 0
	shift 2
	echo "$name $image $*" >>"$tmp/plan"
}

mode_words() # MODE
{
	case $1 in
	once) echo hold=0 ;;
	held) echo hold=1 ;;
	step) echo hold=1 step=64 ;;
	esac
}

words() # TRACE...
{
	for trace; do
		printf ' trace=%s.trace' "$trace"
	done
}

plan_costs() # LEVEL-OR-PEER MODE GROUP TRACE...
{
	who=$1
	mode=$2
	group=$3
	shift 3
	plan "cost/$who/$mode/$group" "replay-$who.elf" do=cost heap=$heap \
		$(mode_words "$mode") $(words "$@")
}

plan_smallest() # LEVEL-OR-PEER MODE TRACE [FROM]
{
	plan "smallest/$1/$2/$3" "replay-$1.elf" do=smallest \
		from="${4:-0}" $(mode_words "$2") $(words "$3")
}

plan_full() # LEVEL-OR-PEER MODE TRACE
{
	plan "full/$1/$2/$3" "replay-$1.elf" do=full \
		$(mode_words "$2") $(words "$3")
}

plan_search() # LEVEL STATE RUNS
{
	case $2 in
	cold) state="hold=0 warm=0 step=0" ;;
	warm) state="hold=1 warm=3000 step=1" ;;
	large) state="hold=1 warm=3000 step=1 heap=$heap" ;;
	esac
	plan "search/$1/$2" "search-$1.elf" $state runs="$3"
}

plan_masked() # LEVEL TRACE...
{
	who=$1
	shift
	plan "masked/$who" "masked-$who.elf" heap=$heap $(words "$@")
}

carry_out()
{
	: >"$tmp/failed"
	xargs -P "${JOBS:-2}" -L 1 "$here/bench.sh" job <"$tmp/plan" || exit 1
	[ ! -s "$tmp/failed" ] || exit 1
	while read -r name rest; do
		cat "$tmp/out/$(echo "$name" | tr / _).lines"
	done <"$tmp/plan" >>"$tmp/results"
}

# Flash and RAM of a link that leaves out what is not called
sizes()
{
	for level in O2 Os wide; do
		for what in plain learning; do
			"$size" "$images/size-$level-$what.elf" | awk \
				-v name="size/$level/$what" 'NR == 2 {
				print name "/flash", $1 + $2
				print name "/ram", $2 + $3
			}'
		done
	done >>"$tmp/results"
}

# --- traces ------------------------------------------------------------------

unpack() # NAME...
{
	for name; do
		xz -dc "$here/traces/$name.trace.xz" >"$tmp/traces/$name.trace" ||
			die "cannot unpack $name.trace.xz"
	done
}

make_trace() # NAME KIND SEED [OPERATIONS [BYTES]]
{
	name=$1
	shift
	"$images/mktrace" "$@" >"$tmp/traces/$name.trace" ||
		die "cannot make the trace $name"
}

own_traces()
{
	for seed in 1 2 3 4 5 11 12 13; do
		make_trace pipeline-$seed sensor $seed
	done
	for kind in $kinds; do
		case $kind in
		comb) make_trace $kind $kind 1 30000 30000 ;;
		large) make_trace $kind $kind 1 20000 43000 ;;
		small) make_trace $kind sensor 21 20000 11400 ;;
		*) make_trace $kind $kind 1 ;;
		esac
	done
}

more_traces()
{
	for file in ${TRACES:+"$TRACES"/*.trace}; do
		[ -r "$file" ] || {
			echo "$me: no *.trace in TRACES=$TRACES: left out" >&2
			continue
		}
		name=$(basename "$file" .trace)
		case " $sensors $pipelines $unseen $kinds $programs " in
		*" $name "*)
			cmp -s "$file" "$tmp/traces/$name.trace" ||
				die "$file differs from the trace of its name"
			;;
		*)
			cp "$file" "$tmp/traces/" || exit 1
			more="$more $name"
			;;
		esac
	done
}

# --- what is run -------------------------------------------------------------

sensors="sensor-1 sensor-2"
pipelines="pipeline-1 pipeline-2 pipeline-3 pipeline-4 pipeline-5"
masked="sensor-1 sensor-2 network store random ramps"
unseen="pipeline-11 pipeline-12 pipeline-13"
kinds="network interpreter store trees random queue stack ramps comb bursts large small"
levels="check0 check2 check3 locked wide"
programs="lua bash sed xmllint find"
more=
modes="once step held"
peers="newlib nano picolibc"

# Costs of all traces of a kind together
plan_all_costs() # LEVEL-OR-PEER MODE
{
	plan_costs "$1" "$2" sensor $sensors
	plan_costs "$1" "$2" pipeline $pipelines
	plan_costs "$1" "$2" unseen $unseen
	for trace in $kinds $programs $more; do
		plan_costs "$1" "$2" $trace $trace
	done
}

everything()
{
	unpack $sensors $programs
	own_traces
	more_traces
	for mode in $modes; do
		plan_all_costs O2 $mode
		plan_all_costs Os $mode
	done
	for who in $levels; do
		plan_costs $who step sensor $sensors
	done
	plan_all_costs newlib once
	for who in nano picolibc heap4 tlsf; do
		plan_costs $who once sensor $sensors
		plan_costs $who once pipeline $pipelines
	done
	for trace in $sensors $pipelines $unseen $kinds $programs $more; do
		for mode in $modes; do
			plan_smallest O2 $mode $trace
			plan_full O2 $mode $trace
		done
		plan_smallest newlib once $trace
	done
	for trace in $sensors; do
		plan_smallest nano once $trace
		plan_smallest picolibc once $trace
	done
	for trace in $sensors pipeline-1 large small; do
		plan_smallest heap4 once $trace
		plan_smallest tlsf once $trace
	done
	for who in O2 Os; do
		plan_search $who cold "$runs"
		plan_search $who warm "$runs"
		plan_search $who large $((runs / 5))
		plan_masked $who $masked
	done
	carry_out
	sizes
}

# The smallest heap that baseline.txt has
known() # MODE TRACE
{
	sed -n "s|^smallest/O2/$1/$2/smallest ||p" "$here/baseline.txt"
}

a_part() # baseline or check
{
	unpack $sensors
	for kind in network store random; do
		make_trace $kind $kind 1 8000
	done
	for who in O2 Os; do
		for mode in $modes; do
			plan_costs $who $mode sensor $sensors
		done
	done
	for mode in once step; do
		for kind in network store random; do
			plan_costs O2 $mode $kind $kind
		done
	done
	for trace in $sensors; do
		from=0
		[ "$1" = baseline ] || from=$(known once $trace)
		plan_smallest O2 once $trace "${from:-0}"
	done
	plan_search O2 cold 20000
	plan_search O2 warm 20000
	carry_out
	sizes
}

# The pipeline in two images, which do the same to the last block
plan_pipeline() # POLICY ONE OTHER
{
	for level in O2 Os; do
		for seed in 1 2 3; do
			for what in $2 $3; do
				plan "pipeline/$level/$seed/$what" \
					"$what-$level.elf" policy=$1 seed=$seed
			done
		done
	done
}

# Its footprint: without and with known sizes, without and with the sampler
plan_footprint()
{
	for seed in 1 2 3; do
		for what in unsampled unsampled-known called known; do
			plan "footprint/$seed/$what" "$what-O2.elf" smallest \
				policy=rule seed=$seed
		done
	done
}

again()
{
	unpack $sensors
	plan_costs O2 step sensor $sensors
	plan_costs Os held sensor $sensors
	plan_search O2 warm 20000
	carry_out
}

# What is a count or a size, and gets worse by growing
keep_counts()
{
	grep -E '/(malloc|free|realloc|memalign|step)\.(median|mean|p99|max|worst|squeeze|short) |/(factor|smallest|robust|metadata|flash|ram) ' \
		"$tmp/results"
}

# --- start -------------------------------------------------------------------

[ -r "$images/replay-O2.elf" ] && [ -x "$images/mktrace" ] ||
	die "no images in $images: run make bench-firmware"
need_emulator
need xz xz-utils
need "$size" binutils-arm-none-eabi
make_tmp
mkdir "$tmp/traces" "$tmp/out" || exit 1
: >"$tmp/results"

case ${1-} in
tables)
	everything
	echo "Compiler: $(cat "$images/compiler")."
	print_tables firmware/tables.awk \
		-v traces="$sensors $pipelines $unseen $kinds $programs $more" \
		-v groups_="sensor pipeline unseen $kinds $programs $more" \
		-v unseen="$unseen" -v graded="$levels" \
		-v pipelines="$pipelines" -v programs="$programs" -v heap=$heap \
		"$here/peers.txt" "$tmp/results"
	;;
results)
	everything
	cat "$tmp/results"
	;;
baseline | check)
	a_part "$1"
	keep_counts
	;;
masked)
	unpack $sensors
	own_traces
	plan_masked O2 $masked
	plan_masked Os $masked
	carry_out
	cat "$tmp/results"
	;;
again)
	again
	keep_counts
	;;
hints)
	plan_pipeline rule called known
	plan_footprint
	carry_out
	print_tables firmware/hints.awk "$tmp/results"
	;;
sampler)
	# Nothing is decided, so that both do the same
	plan_pipeline fixed unsampled sampled
	carry_out
	print_tables firmware/sampler.awk -v aim=0.1 "$tmp/results"
	;;
*)
	die "usage: $me tables|results|baseline|check|masked|again|sampler|hints"
	;;
esac
