#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-page.sh - the page of all results (bench/paper/page.py), from small runs by hand: it shows
# their figures, wins and losses alike, says where they are from and what was not run, and refuses
# what it cannot read.

. "$(dirname "$0")/../x.sh"
command -v python3 >/dev/null || {
	echo "x-page: no python3"
	exit 77
}
mkdir "$tmp/kept" "$tmp/out"

run() # NAME: what a benchmark printed, from standard input
{
	printf 'date 2020-02-02\ncommit abc123\nmachine slow, 1 processors\n\n' >"$tmp/kept/$1"
	cat >>"$tmp/kept/$1"
}

make_page()
{
	rm -f "$tmp"/out/*
	python3 -B "$top/bench/paper/page.py" "$tmp/kept" "$tmp/RESULTS.md" "$tmp/out" \
		>"$tmp/log" 2>&1
}

# The page's texts, a row of a table or another element a line, cells with | between
shown()
{
	sed -E 's/<style>.*//; s/<\/t[dh]><t[dh][^>]*>/|/g; s/<\/(p|li|h2|tr)>/&\n/g' \
		"$tmp/out/paper.html" | sed -E 's/<[^>]*>//g'
}

says() # LINE...: each is a line of the page
{
	shown >"$tmp/shown"
	for line; do
		grep -qxF -e "$line" "$tmp/shown" || {
			echo "# not shown: $line"
			return 1
		}
	done
}

# One claim is more than met, one met by less, one is noise
run paper <<'END'
                           buddy   sd        quern   sd        change real   the paper
footprint, KB              100.0 +-1.0        50.0 +-2.0      -50.0 %  yes     145 -> 120    -17.2 %
malloc, instructions        40.0 +-0.1        38.0 +-0.2       -5.0 %  yes
malloc, us at 168 MHz *    0.400 +-0.010     0.380 +-0.020     -5.0 %  yes     1.2 -> 1.08   -10.2 %
free, instructions          40.0 +-0.1        44.0 +-0.1      +10.0 %  yes
malloc and free             80.0 +-0.1        82.0 +-0.1       +2.5 %  yes
fragmentation factor       0.500 +-0.200     0.400 +-0.200    -20.0 %  no     0.35 -> 0.22   -37.1 %

             footprint          malloc            free fragmentation
                    KB      mean   max      mean   max        factor
quern             50.0      38.0   300      44.0   200         0.400
quick/apart                 10.0    40      60.0   250         0.450
buddy            100.0      40.0   250      40.0   100         0.500
small             70.0      90.0   700      70.0   700             -
huge             900.0       1.0     2       1.0     2         0.100  (112 KB were not enough)

END
run services <<'END'
day                CPU s   average      peak    at 7.5   at 0.75
glibc               0.49     75 MB     97 MB      2.00      3.00
other, decay        1.11     22 MB    141 MB      1.60      4.00
quern               0.51     67 MB    107 MB
quern, 7.5          0.33    101 MB    108 MB      3.20
quern, 0.75         0.62     49 MB    107 MB                1.50
END
run hints-firmware <<'END'
firmware pipeline          mallocs     instructions          less    a malloc
-O2, seed 1                 28,761      198,000,000       100,000         3.5

                           neither         hints       sampler          both
seed 1                      80,000        80,064        79,936        80,000
over neither                +0.0 %        +0.1 %        -0.1 %        +0.0 %
END
run hints <<'END'
Phases that leave one object in 64 behind: peak resident set, CPU time

                                         MB       ms
glibc                                  10.5      200
quern, tokens of both, hints:0         20.5      100

Instructions of a pair and its part of the loop, by size
END
run hints-programs <<'END'
                 sites  constant   bounded   element   requests  constant   bounded
one                200    40.0 %    10.0 %    20.0 %       5000    84.0 %     0.0 %
two                  3     0.0 %     0.0 %     0.0 %         50     1.0 %     0.0 %

Peak resident set, MB; with hints as a ratio to that without, medians of 3

                  no hints     classes      tokens        both
one                   30.0       0.900       1.100       1.000
two                    5.0           -       1.001           -
END
# Behind the means stand those of programs and of patterns alone
run suite <<'END'
AMD, 2 cores

CPU time (user and system); the others as ratios to glibc
               glibc s     other     quern   quern/best peer
one              1.000     0.500     0.800    1.60 other     *
two              1.000     0.900     0.450    0.50 other
mean                 1     0.671     0.600
mean, inner          1     0.700     0.650
programs             1     0.500     0.800
patterns             1     0.900     0.450

Peak resident set; the others as ratios to glibc
              glibc MB     other     quern   quern/best peer
one                5.0     1.500     1.000    1.00 glibc
two                5.0     1.500     1.000    1.00 glibc
mean                 1     1.500     1.000
mean, inner          1     1.500     1.000
programs             1     1.500     1.000
patterns             1     1.500     1.000

quern, 2 workloads, medians of 3 rounds
  CPU time, mean, to the fastest peer (other)           0.894   goal 0.95 met
END
cat >"$tmp/RESULTS.md" <<'END'
## Linux: instructions of a call in traces of programs

`make bench-traces`, 2019-01-01, commit def456; AMD, 4 processors.

                 calls            libc      libother       libquern
    jq          500000     9.0 9.0 9.0   1.0 8.0 2.0   3.0 4.0 5.0
    mean                 100.0 90.0 80.0   50.0 40.0 30.0   70.0 20.0 10.0

    Instructions of an allocation, a free, any call

## Services

`make bench-services`, 2019-01-01, commit def456; AMD, 4 processors.

    nothing that could be read
END

make_page
ok "a page is made" $?
says "footprint, KB|100.0 ± 1.0|50.0 ± 2.0|-50.0 %|145 → 120|-17.2 %|repeated" \
	"malloc, us|0.400 ± 0.010|0.380 ± 0.020|-5.0 %|1.2 → 1.08|-10.2 %|less" \
	"fragmentation|0.500 ± 0.200|0.400 ± 0.200|-20.0 %|0.35 → 0.22|-37.1 %|noise" \
	"free, instr.|40.0 ± 0.1|44.0 ± 0.1|+10.0 %|–|–|no claim"
ok "claims are held to the paper's" $?
says "malloc, quern 38.0: quick/apart 10.0" "free worst, quern 200: buddy 100" \
	"footprint KB, quern 50.0: nobody" "fragmentation, quern 0.400: nobody" \
	"huge *|900.0|1.0|2|1.0|2|0.100" "small|70.0|90.0|700|70.0|700|–"
ok "who is better is named, but who does not fit" $?
says "day at 7.5|3.20|1.60|other, decay|2.00" "day at 0.75|1.50|3.00|glibc|0.50"
ok "services are held to the cheapest peer" $?
grep -q '<td class="lost">2.00<' "$tmp/out/paper.html" &&
	grep -q '<td class="best">0.50<' "$tmp/out/paper.html"
ok "losses are marked as wins are" $?
says "other|0.671|0.60 – 0.80|" "quern|0.600|0.54 – 0.71|1 of 2" "quern|1.000|1.00 – 1.00|0 of 2" \
	"Geometric means over 2 workloads, medians of 3 rounds."
ok "so is the suite" $?
says "seed 1|80,000|80,064|79,936|80,000"
ok "footprints of the pipeline are shown" $?
says "glibc|10.5|200" "quern, tokens of both, hints:0|20.5|100" "one|84 %|0.900|1.100|1.000" \
	"two|1 %|–|1.001|–"
ok "so is what compilers tell" $?
grep -q '<td class="best">0.900<' "$tmp/out/paper.html" &&
	grep -q '<td class="lost">1.100<' "$tmp/out/paper.html"
ok "with its losses" $?
says "glibc|100.0|90.0|80.0" "other|50.0|40.0|30.0" "quern|70.0|20.0|10.0" \
	"make bench-traces, 2019-01-01, commit def456; not run here: bench/RESULTS.md"
ok "what was not run here is the tree's" $?
says "make bench-services, 2020-02-02, commit abc123; run here"
ok "what was run here comes first" $?
says "make bench-learning: not run here"
ok "what was run nowhere is said to be so" $?

python3 - "$tmp/out" <<'END'
import html.parser, re, sys, xml.dom.minidom
page = open(sys.argv[1] + "/paper.html", encoding="utf-8").read()
xml.dom.minidom.parse(sys.argv[1] + "/claims.svg")
opened = []
class Tags(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "br"):
            opened.append(tag)
    def handle_endtag(self, tag):
        assert opened.pop() == tag, tag
    def handle_startendtag(self, tag, attributes):
        pass
Tags().feed(page)
assert not opened, opened
assert not re.search(r"""(src|href)=|url\(|@import|<script""", page)
# The mark of 50 % less, on an axis of 10 % steps whose ends are labelled
svg = open(sys.argv[1] + "/claims.svg", encoding="utf-8").read()
ticks = {int(t): float(x) for x, t in re.findall(
    r'<text x="([\d.]+)" y="17"[^>]*>([-+]\d+) %<', svg)}
marks = [float(x) for x in re.findall(r'<circle cx="([\d.]+)" cy="[\d.]+" r="4.5"', svg)]
assert abs(marks[0] - ticks[-50]) < 0.2, (marks, ticks)
assert abs(marks[2] - ticks[10]) < 0.2, (marks, ticks)
END
ok "page and picture are sound, and need nothing else" $?

sed -i '/^malloc, us/d; /^free,/d' "$tmp/kept/paper"
! make_page && grep -q 'what make paper printed cannot be read' "$tmp/log" &&
	[ ! -e "$tmp/out/paper.html" ]
ok "a run with claims missing is refused" $?
rm "$tmp/kept/paper" "$tmp/kept/services"
! make_page && grep -q 'bench-services printed cannot be read: no services' "$tmp/log"
ok "so is a section that cannot be read" $?
rm "$tmp"/kept/* "$tmp/RESULTS.md"
make_page && says "make paper: not run here" && [ ! -e "$tmp/out/claims.svg" ]
ok "without any run all is said to be not run" $?
finish
