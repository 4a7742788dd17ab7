# SPDX-License-Identifier: MIT
#
# rest.sh - rows of faults.sh that are limits of memory, threads, forks and signals.

# --- limits ---

# From what no program starts with to what is enough for each
limits() # TITLE LETTER FROM TO FACTOR
{
	local program kb

	begin
	for program in $programs; do
		command_of "$program"
		expect "$program"
		for ((kb = $3; kb <= $4; kb = kb * $5 / 100)); do
			attempt "$program" bash -c 'ulimit -'"$2 $kb"'; exec "$@"' limit env \
				"LD_PRELOAD=$lib" "${command[@]}"
		done
	done
	tell "$1" "$programs"
	begin
	command_of fill
	expect_right fill
	for kb in $(either 100000 '100000 200000 400000'); do
		must_do fill bash -c 'ulimit -'"$2 $kb"'; exec "$@"' limit env \
			"LD_PRELOAD=$lib" "${command[@]}"
	done
	tell "$1, exhausted, freed, exhausted" "fill"
}

limit_as()
{
	limits 'address space (ulimit -v)' v 4000 400000 "$(either 300 115)"
}

# With less perl calls itself without end: no memory, so no stream to say so, so no memory
limit_data()
{
	limits 'data (ulimit -d)' d 1000 200000 "$(either 500 125)"
}

# --- programs of our own ---

expect_right() # PROGRAM
{
	echo right >"$tmp/want.$1"
}

# So many times the program with the outcome that it promises
own() # TITLE PROGRAM TIMES
{
	local i

	begin
	command_of "$2"
	expect_right "$2"
	for ((i = 0; i < $3; i++)); do
		must_do "$2" env "LD_PRELOAD=$lib" "${command[@]}"
	done
	tell "$1" "$2"
}

all_mappings()
{
	own 'all mappings are taken' maps "$(either 1 5)"
}

many_lives()
{
	own '10 000 lives of threads' lives "$(either 1 5)"
}

cancelled()
{
	own 'threads are cancelled' cancel "$(either 1 10)"
}

forked()
{
	own 'forks, threads in malloc and stdio' forks "$(either 1 10)"
}

signalled()
{
	own 'signals at random points' signals "$(either 1 20)"
}

# --- thread-local storage ---

# The C library has some static room for libraries that come late, and a program's libraries may
# have taken it. With each amount that is left the library is loaded, or refused by the
# loader's message.
late_tls()
{
	local bytes cc=${CC:-cc}

	begin
	for bytes in $(either '0 1200' "$(seq 0 64 2048)"); do
		printf '__attribute__((tls_model("initial-exec"))) __thread char taken[%d];
char *where(void) { return taken; }\n' $((bytes + 1)) >"$tmp/taker.c"
		$cc -shared -fPIC -o "$tmp/taker.so" "$tmp/taker.c" &&
			$cc -O1 -o "$tmp/late" "$here/late.c" -ldl -lpthread || {
			cannot 'static TLS, dlopen() late' late 'no compiler'
			return
		}
		echo right >"$tmp/want.late"
		attempt late "$tmp/late" "$tmp/taker.so" "$lib"
	done
	tell 'static TLS is taken, dlopen() late' late
	[ -n "$is_short" ] || [ $refused -gt 0 ] || echo 'note: the room was enough each time'
}

# --- other machines ---

# Those of make check-ports, whose builds are taken if they are there
pages_of_other_sizes()
{
	local log=$tmp/ports

	[ -z "$is_short" ] || return
	command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-gcc >/dev/null || {
		cannot 'pages of 16 and 64 KB' 'make check-ports' \
			'no qemu-aarch64 with a compiler (tests/ports/packages.txt)'
		return
	}
	srcdir=$top builddir=$build bash "$top/tests/ports/ports.sh" aarch64 >"$log" 2>&1
	for size in 4 16 64; do
		begin
		runs=$(grep -c "^ok .*aarch64, $size K:" "$log")
		failed=$(grep -c "^not ok .*aarch64, $size K:" "$log")
		runs=$((runs + failed))
		grep "^not ok .*aarch64, $size K:" "$log"
		[ $runs -gt 0 ] || failed=1
		tell "pages of $size KB (aarch64)" "tests, and gawk lua perl ..."
	done
}

# --- a kernel of its own ---

own_kernel()
{
	local line

	[ -z "$is_short" ] || return
	command -v linux.uml >/dev/null || {
		cannot 'overcommit 2, cgroup at its limit' "$programs fill" \
			'no linux.uml (Debian: apt-get install user-mode-linux)'
		return
	}
	bash "$here/kernel.sh" "$build" "$lib" >"$tmp/kernel" 2>&1
	grep -q '^@end' "$tmp/kernel" || {
		echo 'FAILED: the other kernel did not come to its end'
		tail -n 5 "$tmp/kernel"
		nr_failed=$((nr_failed + 1))
	}
	while read -r line; do
		echo "$line"
	done < <(sed -n 's/^@ //p' "$tmp/kernel" | tr -d '\r')
	nr_failed=$((nr_failed + $(grep -c '^@ FAILED' "$tmp/kernel")))
}
