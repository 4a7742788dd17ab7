#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-learning.sh - make bench-learning, a tiny one: the table has a row for each policy; the
# default costs what it costs, also as the only setting that is tried and as the rule that is
# told its price; two runs print the same.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
build=$(dirname "$quern")
evidence=$build/bench/learning/evidence

says() # FILE TEXT
{
	grep -q -- "$2" "$1"
}

# The row of a policy in the first table of policies: its figures, one a line
figures() # FILE NAME
{
	awk -v name="$2" '
		/^policy/ { tables++ }
		tables == 1 && index($0, name "  ") == 1 {
			$0 = substr($0, length(name) + 1)
			gsub(/[|]/, "")
			for (i = 1; i <= NF; i++)
				print $i
			exit
		}' "$1"
}

all_one() # FILE NAME
{
	[ "$(figures "$1" "$2" | sort -u)" = 1.000 ]
}

for name in vectors symbols; do
	must "$quern" record -o "$tmp/$name.trace" -- "$build/bench/workloads" $name 1 2 \
		>/dev/null 2>&1
done
cd "$tmp" || exit 99
must "$quern" train --events=10000 --mixes=2 --episodes=16 -o weights.h symbols.trace \
	>out 2>err

tiny() # FILE WORD...
{
	file=$1
	shift
	"$evidence" budget=1 events=8000 part=3000 mixes=3 tries=1 groups=1 large-events=3000 large-part=1000 "$@" \
		learned=symbols.trace left-out=vectors.trace >"$file" 2>err && [ ! -s err ]
}

tiny a weights=weights.h
ok "a tiny one ends well" $?
missing=
for name in default 'rule, price told' bandit paper-dqn 'paper-dqn, untrained' dqn 'dqn, no rails' \
	tuned 'always lean' 'always roomy' 'schedule oracle' 'best fixed, all J' 'best fixed, each J' 'settings oracle'; do
	[ "$(figures a "$name" | wc -l)" = 12 ] || missing="$missing $name,"
done
[ -z "$missing" ]
ok "each policy has a row of figures${missing:+; not}$missing" $?
all_one a default && all_one a 'best fixed, all J' && all_one a 'best fixed, each J' && all_one a 'settings oracle' &&
	[ "$(figures a 'rule, price told' | sed -n 6p)" = 1.000 ]
ok "the default is 1.000, and so are the same settings on other ways" $?
figures a 'schedule oracle' | sed -n '5,8p' >oracle
figures a 'rule, price told' | sed -n '5,8p' >rule
paste -d ' ' oracle rule | awk '$1 > $2 { bad = 1 } END { exit bad || NR != 4 }'
ok "a schedule that may be the rule's costs no more at any price" $?
! all_one a bandit && ! all_one a paper-dqn && says a '^dqn within the rails, 1 weights: J ' &&
	says a '^bandit  *[1-9]' && says a '^default, told  *[1-9]'
ok "other policies do something, and say how often" $?
tiny e weights=weights.h seeds-only=1 large=symbols.trace && ! says e '^default' &&
	awk '/^dqn / && split($0, part, "|") == 3 {
		split(part[2], price, " ")
		n = split(part[1], words, " ")
		nr++
		# The mean of all is the geometric mean of those at each price
		mean = exp((log(price[1]) + log(price[2]) + log(price[3]) + log(price[4])) / 4)
		bad += mean - words[n] > 0.001 || words[n] - mean > 0.001 || part[3] + 0 < words[n] - 0.001
	} /^dqn, no rails/ && split($0, part, "|") == 3 { nr++ } END { exit bad || nr != 2 }' e
ok "weights of seeds stand by price and by program" $?
tiny b weights=weights.h && cmp -s a b
ok "two runs print the same" $?
tiny c && says c '^dqn: no weights' && ! says c '^dqn  '
ok "without weights it is said that there are none" $?
! tiny d nonsense && says err nonsense && ! tiny d budget=1x && says err budget &&
	echo nothing >bad.h && ! tiny d weights=bad.h && says err 'bad.h' &&
	! tiny d weights=none.h && says err 'none.h'
ok "what cannot be is refused" $?
TRACES=$tmp BUDGET=1 "$top/bench/learning/evidence.sh" "$build" events=8000 part=3000 \
	mixes=1 tries=1 groups=0 >out 2>err && says out '^vectors .*left out' &&
	says out '^symbols .*learned' && says out '^dqn, no rails' &&
	says out '^within the rails '
ok "the script finds programs, sets and weights" $?
finish
