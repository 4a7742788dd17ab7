#!/bin/bash
# SPDX-License-Identifier: MIT
#
# share.sh - the heap's share of the time of C programs, on this machine, in the build
# directory: what Donahue and others (2002) ask of the buddy system, with programs of the
# kind that they took (factoring, interpreters, translators), and glibc as the black box.
#
#	share.sh [PROGRAM...]	of these only
#
# In the environment: ROUNDS, runs of which the one with the least time in the heap
# counts (default 3).

set -u
me=share.sh
library=$PWD/bench/share.so
runner=$PWD/bench/rounds
rounds=${ROUNDS:-3}
systems="glibc quern buddy buddy-fast per-size boundary"
all="gawk gs bc lua5.4 perl m4 bison cc1"
[ $# -gt 0 ] || set -- $all
. "$(dirname "$0")/../common.sh"

for file in "$library" "$runner"; do
	[ -r "$file" ] || die "$file is not there: make bench-share builds it"
done
make_tmp

# --- inputs ------------------------------------------------------------------

awk 'BEGIN {
	for (i = 0; i < 60000; i++)
		printf "%s%d /page/%d.html %d\n", "host", i * 7919 % 4001, \
			i * 31 % 977, i * 104729 % 50000
}' >"$tmp/log"
cat >"$tmp/count.awk" <<'END'
{ hits[$1]++; bytes[$2] += $3; split($2, part, "/"); last[part[3]] = $1 $3 }
END { for (h in hits) n += length(h) * hits[h]; print n, length(last) }
END
cat >"$tmp/page.ps" <<'END'
%!PS
/Times-Roman findfont 9 scalefont setfont
1 1 20 { pop
	1 1 60 { dup 12 mul 40 exch moveto
		20 string cvs show ( ground between two stones) show } for
	1 1 120 { 3 mul /k exch def
		newpath k 100 moveto k 2 mul 300 lineto stroke } for
	showpage
} for
END
cat >"$tmp/factor.bc" <<'END'
define g(a, b) { auto t; while (b) { t = a % b; a = b; b = t }; return (a) }
define f(n) {
	auto x, y, d
	x = 2; y = 2; d = 1
	while (d == 1) {
		x = (x * x + 1) % n
		y = (y * y + 1) % n
		y = (y * y + 1) % n
		d = x - y
		if (d < 0) d = -d
		d = g(d, n)
	}
	return (d)
}
f(15485863 * 32452843)
f(1299709 * 179424673)
f(86028121 * 122949823)
f(2750159 * 982451653)
quit
END
cat >"$tmp/tree.lua" <<'END'
local function tree(d) if d == 0 then return { "leaf" .. d } end
	return { tree(d - 1), tree(d - 1), name = "n" .. d } end
local n = 0
for i = 1, 12 do n = n + #(tree(13).name .. i) end
print(n)
END
cat >"$tmp/words.pl" <<'END'
my %seen;
while (<>) { my @w = split; $seen{$w[0]}{$w[1]} = $w[2]; $n += @w }
print $n, " ", scalar(map { sort keys %$_ } values %seen), "\n";
END
awk 'BEGIN {
	print "define(`mill'"'"', `ifelse($1, 0, `flour'"'"', `mill(decr($1)) $1'"'"')'"'"')"
	for (i = 0; i < 6000; i++)
		printf "define(`n%d'"'"', `mill(%d)'"'"')n%d\n", i, i % 40, i
}' >"$tmp/mill.m4"
awk 'BEGIN {
	print "%token NUM"
	print "%%\nall: e0;"
	for (i = 0; i < 150; i++)
		printf "e%d: e%d | e%d \"<%d>\" e%d | \"[%d\" e0 \"%d]\";\n", \
			i, i + 1, i, i, i + 1, i, i
	print "e150: NUM;\n%%"
}' >"$tmp/mill.y"
awk 'BEGIN {
	for (i = 0; i < 600; i++) {
		printf "struct s%d { int a, b[%d]; struct s%d *next; };\n", i, i + 1, i
		printf "int f%d(struct s%d *s, int n) { int i, r = n; ", i, i
		printf "for (i = 0; i < %d && s; i++) { r += s->b[i] * n; s = s->next; } ", i + 1
		printf "return r ? r : f%d_(n); }\n", i
	}
}' | sed 's/f\([0-9]*\)_(n)/(n + \1)/' >"$tmp/mill.c"

# --- runs --------------------------------------------------------------------

# What each program is called with; nothing, if it is not here
command_of()
{
	case $1 in
	gawk) echo "gawk -f $tmp/count.awk $tmp/log" ;;
	gs) echo "gs -q -dBATCH -dNOPAUSE -sDEVICE=pbmraw -r50 -o -" \
		"$tmp/page.ps" ;;
	bc) echo "bc -q $tmp/factor.bc" ;;
	lua5.4) echo "lua5.4 $tmp/tree.lua" ;;
	perl) echo "perl $tmp/words.pl $tmp/log" ;;
	m4) echo "m4 $tmp/mill.m4" ;;
	bison) echo "bison -o $tmp/mill.tab.c $tmp/mill.y" ;;
	cc1) echo "$(gcc -print-prog-name=cc1 2>/dev/null) -quiet -O1" \
		"-o $tmp/mill.s $tmp/mill.c" ;;
	*)
		echo "$me: no program '$1' here; known: $all" >&2
		exit 2
		;;
	esac
}

words() # WORD...: as a list in JSON
{
	local list

	printf -v list ', "%s"' "$@"
	echo "[${list:2}]"
}

subjects() # PROGRAM
{
	local system list

	for system in $systems; do
		list+=", { \"name\": \"$system\", \"before\": [], \"set\": $(words \
			"LD_PRELOAD=$library" "SHARE=$system" \
			"SHARE_OUT=$tmp/$1.lines") }"
	done
	echo "[${list:2}]"
}

# All systems must do the same work: see bench/suite/rounds.c
plan() # PROGRAM COMMAND...
{
	printf '{ "rounds": %d, "limit": 60, "subjects": %s, ' "$rounds" \
		"$(subjects "$1")"
	printf '"contests": [{ "name": "%s", "dir": "%s", "argv": %s,
		"set": [], "prepare": [], "answer": null, "compared": true,
		"figures": 0, "watched": false }] }' "$1" "$tmp" "$(words "${@:2}")"
}

for program; do
	command=$(command_of "$program") || exit 2
	command -v ${command%% *} >/dev/null || {
		echo "$me: $program is not here and is left out" >&2
		continue
	}
	plan "$program" $command | "$runner" >"$tmp/figures" || exit 1
	! grep -q '"failed"' "$tmp/figures" || exit 1
	sed "s/^/program=$program /" "$tmp/$program.lines" >>"$tmp/lines"
done
[ -s "$tmp/lines" ] || exit 1

print_tables engines/share.awk -v systems="$systems" -v rounds="$rounds" \
	"$tmp/lines"
