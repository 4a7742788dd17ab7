# SPDX-License-Identifier: MIT
#
# programs.sh - real programs of another machine under libquern.so; ports.sh reads it. Each does
# its work with and without the library: what it prints is the same, and the report of its heap
# is there.

# A line each: at least so many allocations, program, arguments
works()
{
	cat <<'END'
20000|gawk|BEGIN { for (i = 0; i < 30000; i++) a[i % 500] = a[i % 500] i; for (k in a) n += length(a[k]); print n }
20000|lua5.4|local t = {} for i = 1, 30000 do t[i % 700] = {i, tostring(i)} end local n = 0 for _, v in pairs(t) do n = n + #v[2] end print(n)
5000|perl|my %h; $h{$_ % 900} .= "x$_" for 1 .. 30000; my $n = 0; $n += length for values %h; print "$n\n"
3000|python3|import collections as c; d = c.defaultdict(list); [d[i % 300].append(str(i) * 100) for i in range(20000)]; print(sum(map(len, d.values())))
10000|sqlite3|create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into t select i, hex(i * 7919) from n; select count(*), sum(length(b)) from t;
500|bash|for i in {1..500}; do a[i % 50]=${a[i % 50]}$i; done; echo ${#a[@]} ${#a[7]} $( (echo child) )
END
}

# The command of a program for a text
command_of() # PROGRAM, TEXT
{
	case $1 in
	gawk) command=("$root/usr/bin/gawk" "$2") ;;
	lua5.4) command=("$root/usr/bin/lua5.4" -e "$2") ;;
	perl) command=("$root/usr/bin/perl" -e "$2") ;;
	python3) command=("$root/usr/bin/python3" -S -c "$2") ;;
	sqlite3) command=("$root/usr/bin/sqlite3" :memory: "$2") ;;
	bash) command=("$root/bin/bash" -c "$2") ;;
	esac
}

run_program() # LEAST ALLOCATIONS, PROGRAM, TEXT
{
	local calls

	command_of "$2" "$3"
	timeout -k 5 120 $emulate "${command[@]}" >"$dir/want" 2>"$dir/log" </dev/null || return 1
	timeout -k 5 120 $emulate -E "LD_PRELOAD=$dir/build/libquern.so" \
		-E "QUERN_CONF=report:$dir/report" "${command[@]}" \
		>"$dir/have" 2>"$dir/log" </dev/null || return 1
	cmp "$dir/want" "$dir/have" >>"$dir/log" 2>&1 || return 1
	calls=$(sed -n 's/^  allocations *//p' "$dir/report")
	cat "$dir/report" >>"$dir/log"
	[ "${calls:-0}" -ge "$1" ]
}

run_programs()
{
	local least program text sum=0 failed=0 result

	while IFS='|' read -r least program text; do
		rm -f "$dir/report"
		run_program "$least" "$program" "$text"
		result=$?
		ok "$name, $pages: $program under libquern.so" $result
		failed=$((failed + (result != 0)))
		sum=$((sum + 1))
	done < <(works)
	note "$name" "$pages" "programs of Debian" "$sum run, $failed failed"
}
