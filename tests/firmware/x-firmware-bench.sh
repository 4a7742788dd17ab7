#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-firmware-bench.sh - the firmware benchmark, a part of it that takes seconds:
#
# - a second run of some of it prints the same to the bit;
# - no count, no size and no smallest heap has grown by more than 3 % over
#   bench/firmware/baseline.txt, as long as the compiler is the one it was made by;
# - the trace of a program of this machine, cut, completes on the target;
# - the sampler takes no more than its share of the sensor pipeline's instructions;
# - a file that is no trace, and words that no image knows, end with a message.
#
# Prints TAP. Without the images or QEMU it is skipped.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
bench=$srcdir/bench/firmware
images=$builddir/firmware/bench
run="$srcdir/embedded/run-qemu.sh -m mps2"
quern=$builddir/quern

for file in replay-O2.elf replay-Os.elf search-O2.elf mktrace; do
	[ -r "$images/$file" ] || {
		echo "x-firmware-bench: $images/$file was not built"
		exit 77
	}
done
for tool in "${QEMU_SYSTEM_ARM:-qemu-system-arm}" xz; do
	command -v "$tool" >/dev/null || {
		echo "x-firmware-bench: $tool not found"
		exit 77
	}
done
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

. "$(dirname "$0")/../tap.sh"

# The command ends with a status and a message that contains a text
complains() # STATUS TEXT COMMAND...
{
	want=$1
	text=$2
	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq "$want" ] && grep -q -- "$text" "$tmp/err"
}

cd "$builddir" || exit 99
"$bench/bench.sh" check >"$tmp/one" || exit 99
"$bench/bench.sh" again >"$tmp/two" || exit 99
grep -vxFf "$tmp/one" "$tmp/two" | sed 's/^/# not so before: /'
come_again()
{
	[ -s "$tmp/two" ] && ! grep -qvxFf "$tmp/one" "$tmp/two"
}
ok "a second run counts the same" come_again

head -c 4096 "$bench/bench.sh" >"$tmp/text.trace"
"$images/mktrace" stack 1 100 >"$tmp/small.trace"
head -c 300 "$tmp/small.trace" >"$tmp/torn.trace"
cd "$tmp" || exit 99
ok "no trace" complains 2 "trace=FILE" $run "$images/replay-O2.elf"
ok "no such trace" complains 2 "cannot be read" \
	$run "$images/replay-O2.elf" trace=nothing.ops
ok "not a trace" complains 2 "is no trace" \
	$run "$images/replay-O2.elf" trace=text.trace
ok "a torn trace" complains 2 "a damaged one" \
	$run "$images/replay-O2.elf" trace=torn.trace
ok "an unknown word" complains 2 "not understood. Words are: do=" \
	$run "$images/replay-O2.elf" speed=7
ok "too large a heap" complains 2 "there are [0-9]* bytes" \
	$run "$images/replay-O2.elf" trace=small.trace heap=99999999
ok "too small a heap to search in" complains 2 "heap=64 is too small" \
	$run "$images/search-O2.elf" heap=64
ok "no such workload" complains 2 "no such kind" "$images/mktrace" dance 1

# From a program of this machine to the target
recorded()
{
	"$quern" record -o sed.all -- \
		sed 's/\(a*\)b*/[\1]/g' "$bench/bench.sh" >/dev/null 2>sed.err &&
		"$quern" trace cut --heap=30000 --events=5000 -o sed.trace \
			sed.all >sed.cut &&
		$run "$images/replay-O2.elf" trace=sed.trace >sed.out &&
		grep -q '^fits=1' sed.out &&
		grep -q ' live=[123][0-9][0-9][0-9][0-9] ' sed.out
}
ok "a program is recorded, cut and replayed" recorded
"$quern" record -o two.all -- sh -c 'ls; ls' >/dev/null 2>&1
ok "a trace of several processes" complains 2 "make one for here by quern" \
	$run "$images/replay-O2.elf" trace=two.all

sampler_is_cheap()
{
	(cd "$builddir" && "$bench/bench.sh" sampler) >sampler.out &&
		grep -q ' aimed at is 0.1 %: reached' sampler.out &&
		[ "$(grep -c '^-O[2s], seed [123] .* %$' sampler.out)" -eq 6 ]
}
ok "the sampler is cheap" sampler_is_cheap
sed 's/^/# /' sampler.out

compiler=$(cat "$images/compiler")
if ! grep -qxF "# Compiler: $compiler" "$bench/baseline.txt"; then
	skip "counts against the baseline" "it was not made by $compiler"
	finish
fi

# A case for each group of counts: what stands before the last slash but one
awk -v nr=$nr -v bad=$bad '
function group(name)
{
	sub(/\/[^\/]*$/, "", name)
	return name
}
FNR == 1 { nr_files++ }
nr_files == 1 { now[$1] = $2 }
nr_files == 2 && !/^#/ {
	g = group($1)
	if (!(g in grown))
		groups[++nr_groups] = g
	grown[g] += 0
	if ($1 in now && now[$1] + 0 <= 1.03 * $2)
		next
	grown[g]++
	print "# " $1 ": " ($1 in now ? now[$1] : "not measured") \
	      ", baseline " $2
}
END {
	for (i = 1; i <= nr_groups; i++) {
		g = groups[i]
		printf "%s %d - %s\n", grown[g] ? "not ok" : "ok", ++nr, g
		bad = bad || grown[g]
	}
	if (!nr_groups) {
		print "not ok " ++nr " - there is a baseline"
		bad = 1
	}
	print "1.." nr
	exit bad
}' "$tmp/one" "$bench/baseline.txt"
