# SPDX-License-Identifier: MIT
#
# run.sh - how faults.sh runs a program, judges how it ended, and counts.

nr_runs=0
nr_failed=0

# --- rows of the table ---

row() # FUNCTION...
{
	local name

	for name; do
		case $only in
		*" $name "* | '  ') "$name" ;;
		esac
	done
}

# What there is time for
either() # SHORT LONG
{
	[ -n "$is_short" ] && echo "$1" || echo "$2"
}

# Counters of the row that is under way
begin()
{
	runs=0 refused=0 failed=0
}

tell() # FAULT PROGRAMS
{
	printf '%-44s %-28s %5d %8d %6d\n' "$1" "$2" "$runs" "$refused" "$failed"
	nr_runs=$((nr_runs + runs))
	nr_failed=$((nr_failed + failed))
}

cannot() # FAULT PROGRAMS WHY
{
	printf '%-44s %-28s not tested: %s\n' "$1" "$2" "$3"
}

# --- programs ---

# The command of a program's work, in the array $command
command_of() # PROGRAM
{
	case $1 in
	sqlite3) command=("$(command -v sqlite3)" :memory: 'create table t(a, b);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
insert into t select i * 7919 % 3001, hex(i * i) || zeroblob(i % 200) from n;
create index x on t(b); select count(distinct b), sum(length(b)), max(a) from t;') ;;
	python3) command=(/usr/bin/python3 -S -c 'import threading
def work(out, salt):
    d = {}
    for i in range(3000):
        d.setdefault((i * 7919 ^ salt) % 300, []).append(str(i) * (i % 60))
    out.append(sum(len(s) for v in d.values() for s in v))
out = []
t = threading.Thread(target=work, args=(out, 5)); t.start(); work(out, 9); t.join()
print(len(out), sum(out), len(bytes(3000000)))') ;;
	perl) command=(perl -e '$h{$_ % 997} .= $_ x 20 for 1 .. 5000; $s .= "x" x 1000 for 1 .. 2000;
print length(join ",", map { "$_$h{$_}" } sort keys %h), " ", length $s, "\n"') ;;
	threads) command=("$trouble" work) ;;
	*) command=("$trouble" "$1") ;;
	esac
}

programs='sqlite3 python3 perl threads'

# What it prints where nothing is refused
expect() # PROGRAM
{
	[ -f "$tmp/want.$1" ] || "${command[@]}" >"$tmp/want.$1" 2>/dev/null </dev/null
}

# --- runs ---

# The last of a command that is not shown in full
quoted()
{
	printf ' %q' "$@" | tr '\n' ' ' | cut -c 1-400
}

# Did it end as a program may that is refused something? It has a status for that. abort() of the
# C++ runtime's and of interpreters comes with a message: terminate() alone where not even the memory
# for an exception was there. A crash has none.
is_own_end() # STATUS
{
	case $1 in
	134) grep -qiE 'memory|bad_alloc|resource|thread|terminate called' "$tmp/err" ;;
	*) [ "$1" -lt 128 ] ;;
	esac
}

# One run: COMMAND has the fault and the program in it
attempt() # PROGRAM COMMAND...
{
	local program=$1 status

	shift
	runs=$((runs + 1))
	{ timeout -s KILL 600 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null; } 2>/dev/null
	status=$?
	if [ $status = 0 ] && cmp -s "$tmp/out" "$tmp/want.$program"; then
		return 0
	elif [ $status != 0 ] && is_own_end $status; then
		refused=$((refused + 1))
		return 0
	fi
	# The loader may end so before there is a library
	if [ $status != 0 ] && [ "$(without_library "$@")" = $status ]; then
		refused=$((refused + 1))
		return 0
	fi
	failed=$((failed + 1))
	echo "FAILED with status $status:$(quoted "$@")"
	tail -n 3 "$tmp/err" | sed 's/^/  /'
	return 1
}

# The status of a command with the C library's malloc
without_library() # COMMAND...
{
	timeout -s KILL 600 "${@/#LD_PRELOAD=*/LD_PRELOAD=}" >"$tmp/out2" 2>"$tmp/err2" </dev/null
	echo $?
}

# The same without a choice: the output must be right
must_do() # PROGRAM COMMAND...
{
	local before=$refused

	attempt "$@" || return 1
	[ $refused = $before ] && return
	refused=$before
	failed=$((failed + 1))
	shift
	echo "FAILED, it gave up:$(quoted "$@")"
	tail -n 3 "$tmp/err" | sed 's/^/  /'
	return 1
}
