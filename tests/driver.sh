#!/bin/sh
# SPDX-License-Identifier: MIT
#
# driver.sh - runs one test program for automake's harness and writes one result
# per test case. A program that prints a TAP plan ("1..N": CMocka does, and the
# scripts that check many things) counts case by case; any other is one case, by
# its exit status: 0 passed, 77 skipped, everything else failed.
#
# Prints a line per program, plus one per case that did not pass. No test runs
# longer than TEST_TIMEOUT seconds; by default a program may run 5 minutes, since it may
# wait for what never comes, and what is slow on a loaded machine 20: scripts, QEMU,
# sanitizers.

set -u
name= log= trs=
while [ $# -gt 0 ]; do
	case $1 in
	--test-name) name=$2; shift 2 ;;
	--log-file) log=$2; shift 2 ;;
	--trs-file) trs=$2; shift 2 ;;
	--) shift; break ;;
	--*) shift 2 ;;
	*) break ;;
	esac
done
[ -n "$name" ] && [ -n "$log" ] && [ -n "$trs" ] && [ $# -gt 0 ] || {
	echo "driver.sh: to be called by make check" >&2
	exit 2
}

case $name in
*.sh | *.elf | *.asan | *.tsan) limit=${TEST_TIMEOUT:-1200} ;;
*) limit=${TEST_TIMEOUT:-300} ;;
esac
CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "$limit" "$@" \
	>"$log" 2>&1 </dev/null
status=$?

exec awk -v name="$name" -v status="$status" -v trs="$trs" \
	-v limit="$limit" '
function result(kind, what)
{
	print ":test-result: " kind " " what >trs
	count[kind]++
	if (kind != "PASS")
		print kind ": " name (what != "" ? " - " what : "")
}
function title(line)
{
	sub(/^(not )?ok *[0-9]*[ -]*/, "", line)
	return line
}
/^1\.\.[0-9]+/ { plan += substr($1, 4); tap = 1 }
/^(ok|not ok)( |$)/ { lines[++nr] = $0 }
END {
	if (!tap) {
		if (status == 0)
			result("PASS", "")
		else if (status == 77)
			result("SKIP", "")
		else if (status == 124)
			result("FAIL", "stopped after " limit " s")
		else
			result("FAIL", "exit status " status)
		nr = 0
	}
	for (i = 1; i <= nr; i++) {
		if (lines[i] ~ /# *(SKIP|skip)/)
			result("SKIP", title(lines[i]))
		else if (lines[i] ~ /^ok/)
			result("PASS", title(lines[i]))
		else
			result("FAIL", title(lines[i]))
	}
	if (tap && nr != plan)
		result("FAIL", "planned " plan " cases, saw " nr + 0 \
		       ", exit status " status)
	else if (tap && status != 0 && status != 77 && !count["FAIL"])
		result("FAIL", "exit status " status)
	if (count["PASS"])
		print "PASS: " name (tap ? " (" count["PASS"] ")" : "")
	bad = count["FAIL"] ? "FAIL" : count["PASS"] ? "PASS" : "SKIP"
	print ":global-test-result: " bad >trs
	print ":recheck: " (bad == "FAIL" ? "yes" : "no") >trs
	print ":copy-in-global-log: " (bad == "PASS" ? "no" : "yes") >trs
}' "$log"
