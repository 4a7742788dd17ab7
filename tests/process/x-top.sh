#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-top.sh - quern top: which processes it shows, with which figures, as tables, as JSON and on
# a terminal with its keys.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$PWD/build/quern}
own_rundir

cat >"$tmp/hold.c" <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many MB in use in blocks of 10,000 bytes, and a few blocks a second */
int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) * 100 : 100;

	for (int i = 0; i < n; i++)
		memset(malloc(10000), 1, 10000);
	for (;;) {
		for (int i = 0; i < 100; i++)
			free(malloc(100));
		usleep(50000);
	}
}
END
must $cc $flags -o "$tmp/hold" "$tmp/hold.c"
for name in small middle large; do
	cp "$tmp/hold" "$tmp/$name"
done

started=
begin() # name, MB: its page is there when this returns
{
	LD_PRELOAD=$lib QUERN_CONF=live:1,policy:${3:-rule} "$tmp/$1" "$2" &
	pid=$!
	started="$started $pid"
	for i in $(seq 100); do
		[ -e "$(echo "$dir/$pid".*)" ] && break
		sleep 0.1
	done
}
trap 'kill -9 $started 2>/dev/null; rm -rf "$tmp"' EXIT

top() # arguments: what it prints is in out and err
{
	timeout 60 "$quern" top "$@" >"$tmp/out" 2>"$tmp/err"
}

explain()
{
	show "$tmp/out"
	show "$tmp/err"
}

# Processes of other runs on this machine are left out
ours()
{
	awk -v pids=" $started " 'index(pids, " " $1 " ") { print $2 }' "$tmp/out"
}

refused() # what it says, words
{
	what=$1
	shift
	top "$@"
	status=$?
	ok "'top $*' is refused" complains "$what"
}

complains()
{
	[ $status = 125 ] && [ "$(wc -l <"$tmp/err")" = 1 ] &&
		grep -q -- "$1" "$tmp/err"
}

# --- tables

top -b -n 1
ok 'with no process there is a table' grep -q '^ *PID PROGRAM' "$tmp/out"
begin small 2
small=$pid
begin large 40 fixed
large=$pid
begin middle 10
middle=$pid
top -b -n 1
ok 'all processes are shown, the largest heap first' \
	[ "$(echo $(ours))" = 'large middle small' ]
ok 'with their policies' grep -q "^ *$large large .* fixed  *2\$" "$tmp/out"
ok 'and a summary' grep -q '^[0-9]* processes under quern: heaps [0-9.]* MiB' "$tmp/out"
top -b -n 1 --sort=pid
ok 'by number, if that is asked for' \
	[ "$(echo $(ours))" = 'small large middle' ]
top -b -n 2
ok 'twice, if twice is asked for' [ "$(grep -c '^ *PID' "$tmp/out")" = 2 ]
top -b -n 1 "$middle"
ok 'one alone' [ "$(echo $(ours))" = middle ]
ok 'with more about it' grep -q '^  blocks [0-9,]*, in use at most' "$tmp/out"
page=$(echo "$dir/$middle".*)
top -b -n 1 "$page"
ok 'or by its file' [ "$(echo $(ours))" = middle ]
ok 'lines are no wider than 110 columns' [ -z "$(awk 'length > 110' "$tmp/out")" ]
top -n 1
ok 'without a terminal it is a table as well' grep -q '^ *PID' "$tmp/out"

# --- figures

top --json -n 2
ok 'JSON has what the programs hold' python3 -c '
import json, sys
looks = [json.loads(line) for line in open(sys.argv[1])]
assert len(looks) == 2 and looks[0]["time"] < looks[1]["time"]
mb = dict(zip(map(int, sys.argv[2:5]), (2, 40, 10)))
for look in looks:
    seen = dict((p["pid"], p) for p in look["processes"])
    for pid, n in mb.items():
        p = seen[pid]
        # Blocks of more than 1 KB are told in batches
        assert n * 0.9e6 <= p["live"] <= n * 1.1e6 + 1e6, p
        assert p["heap_resident"] == p["live"] + p["pinned"] + p["kept"] + p["metadata"], p
        assert p["process_resident"] >= p["live"] and p["peak_live"] >= p["live"], p
        assert p["price"] == 2 and p["table"] >= 1 and p["decisions"] == []
    assert seen[int(sys.argv[3])]["policy"] == "fixed"
# 100 blocks in 50 ms, at most; a busy machine lets it have less
for pid in mb:
    rate = [p["allocations_per_second"] for p in looks[1]["processes"] if p["pid"] == pid][0]
    assert 50 < rate < 3000, rate' "$tmp/out" "$small" "$large" "$middle"
"$quern" ctl "$small" price=7.5 >"$tmp/out"
top -b -n 1 "$small"
ok 'a price that was set is shown' grep -q ' 7.5$' "$tmp/out"

# --- those that are gone, or cannot be shown

kill -9 "$middle"
wait "$middle" 2>"$tmp/null"
top -b -n 1
ok 'a process that was killed is not shown' \
	[ "$(echo $(ours))" = 'large small' ]
ok 'and its page is removed' [ ! -e "$page" ]
refused 'there is no process' "$middle"
refused 'cannot read .*check the path' "$page"
refused 'no option' --bath
refused 'from 1 to 3600' -d 0
refused 'give heap, process' --sort=name
refused 'is too much' 1 2
(sleep 1; kill -9 "$small") &
top -b "$small"
ok 'it ends with the process that it shows' $?
timeout -s INT 2 "$quern" top -b -d 30 "$large" >"$tmp/out"
ok 'an interrupt ends it' grep -q large "$tmp/out"
head -c 30000 /dev/urandom >"$dir/123.4.qstat"
echo >"$dir/x.qstat"
mkdir "$dir/9.9.qstat"
top -b -n 1
ok 'files that are no pages do no harm' [ "$(echo $(ours))" = large ]
rm -rf "$dir/123.4.qstat" "$dir/x.qstat" "$dir/9.9.qstat"

if [ "$(id -u)" = 0 ] && unshare -fp --mount-proc true 2>"$tmp/null"; then
	LD_PRELOAD='' unshare -fp --mount-proc sh -c "LD_PRELOAD='$lib' \
		QUERN_CONF=live:1 '$tmp/hold' 5 & sleep 30" 2>"$tmp/null" &
	started="$started $!"
	for i in $(seq 100); do
		elsewhere=$(ls "$dir" | grep -v "^$large\\.")
		[ -n "$elsewhere" ] && break
		sleep 0.1
	done
	sleep 0.3
	top -b -n 1
	ok 'a process of another pid namespace is shown' \
		grep -q '^ *[0-9]* hold  *-  *[0-9.]*M ' "$tmp/out"
	ok 'and its page stays' [ -e "$dir/$elsewhere" ]
	top -b -n 1 "$dir/$elsewhere"
	ok 'by its file, too' grep -q '^ *[0-9]* hold ' "$tmp/out"
	timeout 20 "$quern" ctl "$dir/$elsewhere" price=3 >"$tmp/out" 2>"$tmp/err"
	ok 'where quern ctl reaches it' grep -q 'price 3$' "$tmp/out"
	pkill -9 -P ${started##* }
else
	skip 'a process of another pid namespace is shown' 'needs unshare'
fi

# --- on a terminal

screen()
{
	tmux -L "quern$$" capture-pane -p -t top >"$tmp/out"
	grep -q -- "$1" "$tmp/out"
}

shows() # text: at last
{
	for i in $(seq 50); do
		screen "$1" && return
		sleep 0.1
	done
	return 1
}

# The row of which more is told is bold and underlined
chosen()
{
	tmux -L "quern$$" capture-pane -e -p -t top |
		sed -nE '/\x1b\[(0;)?1;4m/ { s/\x1b\[[0-9;]*m//g; s/^ *([0-9]+) .*/\1/p }'
}

chooses() # [!] PID: at last
{
	for i in $(seq 50); do
		if [ "$1" = ! ]; then
			[ "$(chosen)" != "$2" ] && [ -n "$(chosen)" ] && return
		elif [ "$(chosen)" = "$1" ]; then
			return
		fi
		sleep 0.1
	done
	return 1
}

keys()
{
	tmux -L "quern$$" send-keys -t top "$@"
}

if ! command -v tmux >"$tmp/null"; then
	skip 'a view' 'no tmux'
elif ! ldd "$quern" | grep -q ncurses; then
	skip 'a view' 'built without ncurses'
else
	begin small 3
	tmux -L "quern$$" -f /dev/null new-session -d -s top -x 120 -y 30 \
		"$quern top; echo status \$? >'$tmp/status'; sleep 60"
	ok 'a view of all' shows "^ *$pid small "
	ok 'with its keys' screen 'q quit  s order (heap)'
	keys s
	ok 's changes the order' shows 'order (process)'
	keys r
	ok 'r reverses it' shows 'order (process, reversed)'
	keys +
	ok '+ looks less often' shows 'every 2 s'
	keys -
	ok '- more often' shows 'every 1 s'
	first=$(chosen)
	keys Down
	ok 'down chooses the next row' chooses ! "$first"
	keys Up
	ok 'up the one before' chooses "${first:-none}"
	keys p
	keys "$pid"
	ok 'p asks for a pid' shows "all: ${pid}_"
	keys Enter
	ok 'and shows it alone' shows '^1 process under quern'
	keys p Enter
	ok 'or all again' shows '^[2-9][0-9]* processes under quern'
	keys p 99999999 Enter
	ok 'one that there is not has a message' shows 'process 99999999 shows nothing'
	tmux -L "quern$$" resize-window -t top -x 60 -y 8
	ok 'it takes the size of the terminal' shows '^ *PID PROGRAM  *PROCESS  *HEAP  *USE PINNED  *KEPT *$'
	tmux -L "quern$$" resize-window -t top -x 20 -y 2
	sleep 0.5
	tmux -L "quern$$" resize-window -t top -x 140 -y 40
	ok 'small or large' shows ' POLICY  *PRICE'
	keys q
	for i in $(seq 50); do
		[ -s "$tmp/status" ] && break
		sleep 0.1
	done
	ok 'q ends it' grep -q 'status 0' "$tmp/status"
	tmux -L "quern$$" kill-server
fi

finish
