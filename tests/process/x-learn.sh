#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-learn.sh - quern tune: what it finds is cheaper on calls that it did not learn from,
# or nothing is written; the same seed finds the same. quern merge: means are means, and
# merging in steps gives what merging at once does. quern train: the same seed gives the same
# weights, also after a kill; each seed has weights and a curve.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}

says() # FILE TEXT
{
	grep -q -- "$2" "$1"
}

# Bursts: 8 MB of blocks come and go again and again, so kept memory spares page faults
cat >"$tmp/bursts.c" <<'END'
#include <stdlib.h>

#define NR 4000

static void *volatile blocks[NR];

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? (unsigned int)atoi(argv[1]) : 1;

	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < NR; i++) {
			seed = seed * 1103515245 + 12345;
			blocks[i] = malloc(500 + (seed >> 16) % 4000);
		}
		for (int i = 0; i < NR; i++)
			free(blocks[i]);
	}
	return 0;
}
END
# One burst, and calls now and then for most of a second: kept memory is of no use
cat >"$tmp/linger.c" <<'END'
#include <stdlib.h>
#include <unistd.h>

#define NR 4000

static void *volatile blocks[NR];

int main(void)
{
	for (int i = 0; i < NR; i++)
		blocks[i] = malloc(500 + i % 4000);
	for (int i = 0; i < NR; i++)
		free(blocks[i]);
	for (int i = 0; i < 80; i++) {
		usleep(10000);
		free((void *)(blocks[0] = malloc(2000)));
	}
	return 0;
}
END
cd "$tmp" || exit 99
must $cc $flags -o bursts bursts.c
must $cc $flags -o linger linger.c

# The same as traces whose times do not depend on this machine: half a microsecond a call
bursts() # SEED
{
	awk -v seed="$1" 'BEGIN {
		print "# quern trace 1: ns thread call object bytes"
		print "0 0 start"
		srand(seed)
		for (round = 0; round < 12; round++) {
			for (i = 1; i <= 4000; i++)
				print ns += 500, 0, "malloc", round * 4000 + i,
					500 + int(rand() * 4000)
			for (i = 1; i <= 4000; i++)
				print ns += 500, 0, "free", round * 4000 + i
		}
	}'
}
linger()
{
	awk 'BEGIN {
		print "# quern trace 1: ns thread call object bytes"
		print "0 0 start"
		for (i = 1; i <= 4000; i++)
			print ns += 500, 0, "malloc", i, 500 + i % 4000
		for (i = 1; i <= 4000; i++)
			print ns += 500, 0, "free", i
		for (; i <= 4080; i++) {
			print ns += 10000000, 0, "malloc", i, 2000
			print ns += 500, 0, "free", i
		}
	}'
}
bursts 1 >bursts.txt
bursts 2 >other.txt
linger >linger.txt
for name in bursts other linger; do
	must "$quern" trace convert --to=trace -o $name.qt $name.txt 2>err
done

# ---- tune ----

"$quern" tune --tries=100 --validate=other.qt -o a.tuned bursts.qt >out 2>err &&
	says out 'a.tuned is written' && [ "$(head -n 1 a.tuned)" = 'quern tuned 1' ] &&
	says a.tuned '^# trace bursts, crc32 ' &&
	says a.tuned '^# trace other, .* learned from 0$' &&
	says a.tuned '^knob [a-z_]* [0-9]*$'
ok "a program of bursts gets knobs of its own" $?
awk '/cost over/ { sub(/.*: /, ""); good = $1 < 1 && $4 < 1 } END { exit !good }' out
ok "they are cheaper where learned and where validated" $?
sed '/^quern tuned/!s/^knob .*/knob dirtiest 1/' a.tuned >bad.tuned
QUERN_CONF=policy:tuned,tuned:$tmp/a.tuned preloaded ./bursts >out1 2>err1 && [ ! -s err1 ] &&
	{ QUERN_CONF=policy:tuned,tuned:$tmp/bad.tuned preloaded ./bursts >out2 2>err2; [ -s err2 ]; }
ok "a program runs with what was found, and a damaged file is told of" $?
"$quern" tune --tries=100 --validate=other.qt -o b.tuned bursts.qt >out 2>err &&
	cmp -s a.tuned b.tuned
ok "the same seed finds the same" $?
"$quern" tune --tries=60 -o c.tuned bursts.qt >out 2>err &&
	says out 'where validated'
ok "the last part of a trace validates" $?
"$quern" tune --price=1 --tries=60 --validate=linger.qt -o d.tuned bursts.qt \
	>out 2>err && says out 'defaults are best; d.tuned is not written' &&
	[ ! -e d.tuned ]
ok "what does not win on validation is not written" $?
"$quern" tune --tries=60 --heap=24M -o granules.h bursts.qt >out 2>err
status=$?
if [ -e granules.h ]; then
	says granules.h '^#define QN_GRANULES 1' &&
		echo '#include "granules.h"
#define KNOB(name, value) + (sizeof(#name) > 1 && (value) >= 0)
int main(void) { return (0 QN_GRANULES_KNOBS(KNOB)) < 1; }' >use.c &&
		$cc -I. -o use use.c && ./use
else
	[ $status = 0 ] && says out 'defaults are best'
fi
ok "a header for firmware compiles" $?
! "$quern" tune -o x.h bursts.qt >out 2>err && says err '--heap=128K'
ok "a header needs to know the heap" $?
! "$quern" tune --heap=1K -o x.h bursts.qt >out 2>err && says err 'does not fit' &&
	! "$quern" tune -o x missing.qt >out 2>err && says err 'missing.qt' &&
	! "$quern" tune --price=none -o x bursts.qt >out 2>err && says err 'price' &&
	! "$quern" tune -o x >out 2>err && says err 'needs a trace' &&
	! "$quern" tune -o /nowhere/x --tries=100 --validate=other.qt bursts.qt >out 2>err &&
	says err /nowhere/x && [ ! -e x ]
ok "what cannot be is refused, with what to do" $?

# ---- merge ----

must "$quern" run --json --report=1.json -- ./bursts 1
must "$quern" run --json --report=2.json -- ./linger
mkdir stats && QUERN_CONF=stats:$tmp/stats preloaded ./bursts 3
field() # FILE NAME: of the report's heap
{
	sed -n 's/^ *"'"$2"'": \([0-9]*\).*/\1/p' "$1" | sed -n "${3:-1}p"
}
row() # FILE NAME COLUMN
{
	awk -v name="$2" -v n="$3" '$1 == name { print $n }' "$1"
}
without_comments() # FILE
{
	grep -v '^#' "$1"
}
"$quern" merge -o p1 1.json 2.json 2>err && [ "$(head -n 1 p1)" = 'quern profile 1' ] &&
	[ "$(row p1 runs 2)" = 2 ] &&
	[ "$(row p1 allocations 2)" = \
		$((($(field 1.json allocations) + $(field 2.json allocations)) / 2)) ] &&
	awk -v a="$(field 1.json peak_live)" -v b="$(field 2.json peak_live)" '
		$1 == "peak_live" { good = $2 == (a + b) / 2 && $3 == (a > b ? a : b) }
		END { exit !good }' p1
ok "figures of two reports are means, and peaks have their highest" $?
awk '$1 == "size" { calls += $4; bytes += $5 }
	END { exit !(calls > 0.999 && calls < 1.001 && bytes > 0.999 && bytes < 1.001) }' p1
ok "shares of sizes add up to one" $?
"$quern" merge -o p2 1.json:3 2.json && "$quern" merge -o p3 1.json:2 p1 &&
	without_comments p2 | sort >a && without_comments p3 | sort >b &&
	paste -d ' ' a b | awk '
		{ for (i = 2; i <= NF / 2; i++) {
			d = $i - $(i + NF / 2)
			bad += d > 1e-4 * $i || d < -1e-4 * $i } }
		END { exit NR < 8 || bad }'
ok "merged in two steps is as merged at once" $?
"$quern" merge -o - stats/*.qstat 2.json >p4 && [ "$(row p4 runs 2)" = 2 ] &&
	says p4 '^# run stats/.*: bursts'
ok "statistics files are runs, too" $?
! "$quern" merge -o p5 bursts.c 2>err && says err 'bursts.c' &&
	! "$quern" merge -o p5 1.json:0 2>err && says err 'run.json:3' &&
	! "$quern" merge -o p5 none.json 2>err && says err 'none.json' &&
	echo '{"heaps":[]}' >no.json && ! "$quern" merge -o p5 no.json 2>err &&
	says err 'quern run --json' && { echo 'quern profile 1'; echo 'size x'; } >bad &&
	! "$quern" merge -o p5 bad 2>err && says err 'line 2' && [ ! -e p5 ]
ok "what is no run is refused" $?
"$quern" tune --tries=60 --profile=p1 --validate=other.qt -o e.tuned bursts.qt >out 2>err &&
	says out 'cost over'
ok "a profile is a starting point for tune" $?

# ---- train ----

train() # FILE OPTIONS
{
	file=$1
	shift
	"$quern" train --events=30000 --mixes=3 --episodes=48 --lessons=200 "$@" -o "$file" \
		bursts.qt linger.qt
}
train w1.h --validate=other.qt >out 2>err && says out '^seed 1 ' &&
	says out 'left out [0-9.]*, excess [0-9.]*, departed .* (7.5: ' && says out 'w1.h is written: seed 1' &&
	says w1.h '^ \* trace bursts, crc32 ' && says w1.h '^ \* left out other, crc32 ' &&
	[ ! -e w1.h.checkpoint ]
ok "a network is trained, and says of what" $?
{
	echo '#include <stdio.h>'
	echo '#include "w1.h"'
	echo 'int main(void) { return !qn_network_is_valid(&qn_weights_process); }'
} >valid.c && $cc $flags -I. -o valid valid.c "$top/lib/learn/network.c" && ./valid
ok "its table compiles, and is valid" $?
train w2.h --validate=other.qt >out 2>err && cmp -s w1.h w2.h &&
	train w3.h --validate=other.qt --seed=2 >out 2>err && ! cmp -s w1.h w3.h
ok "the same seed gives the same weights, another gives others" $?
train w12.h --lessons=0 --curve=c12 >out 2>err && says w12.h ', 0 lessons' &&
	! grep -q '^1 0 ' c12 && train w13.h --curve=c13 >out 2>err &&
	says w13.h ', 200 lessons' && grep -q '^1 0 ' c13
ok "with lessons it is tried before the first episode" $?

# Killed once it has begun; of what it did then no more than a batch is lost
"$quern" train --events=30000 --mixes=3 --episodes=400 --lessons=200 --validate=other.qt --interval=0 \
	-o w4.h bursts.qt linger.qt >out4 2>err4 &
pid=$!
i=0
while [ ! -e w4.h.checkpoint ] && [ $i -lt 600 ]; do
	sleep 0.05
	i=$((i + 1))
done
sleep 0.4
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
[ ! -e w4.h ] && [ -e w4.h.checkpoint ] &&
	train w4.h --validate=other.qt --interval=0 --episodes=400 >out 2>err &&
	says err 'goes on from w4.h.checkpoint: seed 1, episode' &&
	train w5.h --validate=other.qt --episodes=400 >out 2>err && cmp -s w4.h w5.h
ok "a training that was killed goes on, and comes to the same" $?
mkdir fw && "$quern" trace cut --heap=60K -o fw/bursts.qt bursts.qt >out 2>err &&
	"$quern" trace cut --heap=60K -o fw/other.qt other.qt >out 2>err &&
	"$quern" train --for=heap --episodes=48 --validate=fw/other.qt -o fw/weights.h \
		fw/bursts.qt >out 2>err && says out '^seed 1 ' &&
	says fw/weights.h 'qn_weights_heap = {' &&
	"$quern" train --for=heap --episodes=48 --validate=fw/other.qt -o fw/again.h \
		fw/bursts.qt >out 2>err && cmp -s fw/weights.h fw/again.h
ok "a network for heaps of one's own is trained, and again the same" $?
train w6.h --seeds=2 >out 2>err && [ "$(grep -c '^seed' out)" = 2 ] &&
	says w6.h 'seed [12] of 1 to 2'
ok "there is one result a seed" $?
train w9.h --seeds=2 --each --curve=curve >out 2>err && [ -s w9.h.1 ] && [ -s w9.h.2 ] &&
	! cmp -s w9.h.1 w9.h.2 && { cmp -s w9.h w9.h.1 || cmp -s w9.h w9.h.2; } &&
	awk 'NF && !($3 > 0 && $5 >= 0) { exit 1 } NF { nr[$1]++ } $2 == 48 { last[$1] = 1 }
		END { exit !(nr[1] > 2 && nr[2] > 2 && last[1] && last[2]) }' curve
ok "weights of each seed are kept, and learning curves" $?
train w10.h --without=history >out 2>err && {
	echo '#include "w10.h"'
	echo 'int main(void) { for (int i = 0; i < 24; i++)'
	echo 'if (qn_weights_process.first[i][9] || qn_weights_process.first[i][15]) return 1;'
	echo 'for (int i = 0; i < 24; i++) if (qn_weights_process.first[i][0]) return 0;'
	echo 'return 2; }'
} >blind.c && $cc $flags -I. -o blind blind.c && ./blind
ok "a network that is not shown what was before has no weights for it" $?
train w11.h --for=paper --validate=other.qt >out 2>err && says w11.h 'qn_weights_paper' &&
	says out '^seed 1 .*left out [01]\.[0-9]*[1-9][0-9]*, excess'
ok "paper-dqn is trained, and says what it costs" $?
echo something >w7.h.checkpoint && ! train w7.h >out 2>err && says err 'of another training' &&
	[ ! -e w7.h ] && ! "$quern" train -o w8.h none.qt 2>err && says err 'none.qt' &&
	! "$quern" train bursts.qt 2>err && says err 'needs --output'
ok "what cannot be is refused" $?
finish
