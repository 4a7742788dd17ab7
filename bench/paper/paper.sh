#!/bin/sh
# SPDX-License-Identifier: MIT
#
# paper.sh - the founding experiment in QEMU, in the build directory: runs the trials,
# prints the tables, and draws the picture if gnuplot is there.
#
#	paper.sh		everything; also to firmware/paper/paper.txt
#	paper.sh results	what was counted, as lines "SYSTEM SEED KEY VALUE"
#
# Counts are instructions, the same on every machine and in every run. In the
# environment:
#
#	srcdir	the source tree (default: two folders above this file)
#	SEEDS	the trials (default: 1 2 3 4 5)
#	SCALE	KB live of the larger configuration (default: 95)
#	JOBS	how many at once (default: 2)

set -u
me=paper.sh
here=$(cd "$(dirname "$0")" && pwd)
srcdir=$(cd "${srcdir:-$here/../..}" && pwd)
images=$PWD/firmware/paper
seeds=${SEEDS:-1 2 3 4 5}
scale=${SCALE:-95}
ccm=65536
export srcdir images

. "$here/../common.sh"

# image MACHINE SYSTEM WORD...: its words on standard output, its status
image()
{
	machine=$1
	system=$2
	shift 2
	"$srcdir/embedded/run-qemu.sh" -m "$machine" -t 600 \
		"$images/$system-$machine.elf" "$@"
}

# --- one job: paper.sh job KIND MACHINE SYSTEM SEED LABEL WORD... ------------

# fits BYTES: does the trial complete in a heap of so many?
fits()
{
	heap=$1
	shift
	image "$machine" "$system" seed="$seed" heap="$heap" "$@" \
		>/dev/null 2>&1
	case $? in
	0) return 0 ;;
	3) return 1 ;;
	*) die "$system-$machine heap=$heap $*: it failed, or could not be run" ;;
	esac
}

if [ "${1-}" = job ]; then
	kind=$2
	machine=$3
	system=$4
	seed=$5
	label=$6
	shift 6
	out=$tmp/$label-$seed-$kind
	case $kind in
	cost)
		image "$machine" "$system" seed="$seed" "$@" >"$out.raw"
		status=$?
		[ $status = 0 ] || [ $status = 3 ] || {
			echo "$me: $system-$machine seed=$seed $*: status" \
				"$status" >&2
			echo "$label" >>"$tmp/failed"
		}
		to_lines "$label" "$seed" <"$out.raw" >"$out.lines"
		;;
	footprint)
		least=$1
		most=$2
		shift 2
		bytes=$(smallest "$least" "$most" "$@") ||
			echo "$label" >>"$tmp/failed"
		echo "$label $seed footprint ${bytes:-0}" >"$out.lines"
		;;
	esac
	exit 0
fi

# --- the plan ----------------------------------------------------------------

need_emulator
make_tmp

plan() # KIND MACHINE SYSTEM LABEL WORD...
{
	[ -r "$images/$3-$2.elf" ] || return 0
	kind=$1
	machine=$2
	system=$3
	label=$4
	shift 4
	for seed in $seeds; do
		echo "$kind $machine $system $seed $label $*" >>"$tmp/plan"
	done
}

systems="quern buddy buddy_fast freelist per_size boundary newlib nano picolibc"
for system in $systems; do
	plan cost stm32f407 $system $system heap=114688
	# It needs more than the chip has: how much shows on a larger board
	[ $system != per_size ] || {
		plan footprint mps2 $system $system 61440 1048576
		continue
	}
	plan footprint stm32f407 $system $system 61440 116736
done
plan cost stm32f407 buddy_fast buddy_fast+wait heap=114688 beside=1
plan cost stm32f407 quern quern-fixed heap=114688 step=0
# The pipeline in Rust, where its images could be built. It needs more: all that there is.
for system in rust_quern rust_buddy rust_boundary; do
	plan cost stm32f407 $system $system heap=116736
	plan footprint stm32f407 $system $system 61440 116736
done
# The size of the paper: over SRAM and CCM, where the emulated chip has none on a
# board of the same core that has both
has=$(image stm32f407 buddy has=1) || die "the image buddy does not run"
machine=mps2
[ "${has#*ccm=}" = 0 ] || machine=stm32f407
for system in quern buddy; do
	plan footprint $machine $system "$system+ccm" 8192 116736 \
		ccm=$ccm scale="$scale"
done

: >"$tmp/failed"
xargs -P "${JOBS:-2}" -L 1 "$here/paper.sh" job <"$tmp/plan" || exit 1
[ ! -s "$tmp/failed" ] || die "failed: $(sort -u "$tmp/failed" | tr '\n' ' ')"
{
	echo "board 0 ccm ${has#*ccm=}"
	echo "board 0 scale $scale"
	while read -r kind machine system seed label rest; do
		cat "$tmp/$label-$seed-$kind.lines"
	done <"$tmp/plan"
} >"$tmp/results"

if [ "${1-}" = results ]; then
	cat "$tmp/results"
	exit 0
fi
print_tables paper/paper.awk -v points="$tmp/points" "$tmp/results" \
	>"$images/paper.txt" || die "the results do not add up"
cat "$images/paper.txt"
cp "$tmp/results" "$images/paper-results.txt"
if command -v gnuplot >/dev/null; then
	gnuplot -e "points='$tmp/points'; out='$images/paper.svg'" \
		"$here/picture.gp" && echo "picture: firmware/paper/paper.svg"
else
	echo "no gnuplot, no picture (Debian: apt-get install gnuplot-nox)"
fi
