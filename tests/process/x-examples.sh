#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-examples.sh - pools and arenas from outside: the examples say on the target what
# they say on this machine, references of two pools cannot be mixed up, in C and in
# C++, and a wrong pointer ends the program with a message.

. "$(dirname "$0")/../x.sh"

build=${builddir:-$top/build}

for name in pool arena; do
	"$build/firmware/example-$name" >"$tmp/$name" && [ -s "$tmp/$name" ]
	ok "the example $name runs" $?
	image=$build/firmware/example-$name.elf
	if [ ! -f "$image" ]; then
		skip "the example $name on the target" "no cross compiler"
		continue
	fi
	"$top/embedded/run-qemu.sh" "$image" >"$tmp/target"
	status=$?
	if [ $status = 77 ]; then
		skip "the example $name on the target" "no emulator"
		continue
	fi
	[ $status = 0 ] && cmp "$tmp/$name" "$tmp/target"
	ok "the example $name on the target" $?
done
grep -q '^15 frames, 2 lost; .* 0 free' "$tmp/pool"
ok "a burst larger than the pool loses what does not fit" $?
grep -q 'the second text is broken' "$tmp/arena" &&
	grep -q '^      mean$' "$tmp/arena" &&
	grep -q 'afterwards 0 blocks' "$tmp/arena"
ok "the tree is there, and gone" $?

# compiles COMPILER SUFFIX STATEMENT: with two pools of one type
compiles()
{
	cat >"$tmp/types.$2" <<-END
	#include "quern.h"
	QN_POOL(rx, int);
	QN_POOL(tx, int);
	void both(struct rx *rx, struct tx *tx);
	void both(struct rx *rx, struct tx *tx)
	{
		struct rx_ref in = rx_alloc(rx);
		struct tx_ref out = tx_alloc(tx);
		$3;
	}
	END
	$1 -Wall -Wextra -Werror -I"$top/lib" -c -o "$tmp/types.o" \
		"$tmp/types.$2" 2>"$tmp/types.log"
}

for how in "$cc c" "$cxx cc"; do
	set -- $how
	command -v "$1" >/dev/null || {
		skip "types of pools by $1" "no such compiler"
		continue
	}
	compiles $how "rx_free(rx, in); tx_free(tx, out)"
	ok "each pool takes its own, by $1" $?
	show "$tmp/types.log"
	! compiles $how "rx_free(rx, in); tx_free(tx, in)"
	ok "a pool refuses what is another's, by $1" $?
	! compiles $how "rx_free(rx, in); tx_free(rx, out)"
	ok "and so does its function, by $1" $?
done

cat >"$tmp/misuse.c" <<'END'
#include <stdlib.h>
#include "quern.h"
static char memory[1000];
int main(int argc, char **argv)
{
	struct qn_pool *pool = qn_pool_init(memory, sizeof(memory), 24);
	char *p = qn_pool_alloc(pool);

	(void)argc;
	qn_pool_free(pool, p + atoi(argv[1]));
	qn_pool_free(pool, p);
	qn_pool_free(pool, p + atoi(argv[2]));
	return 0;
}
END
must $cc $flags -o "$tmp/misuse" "$tmp/misuse.c" "$build/libquern.a" -lpthread
stopped() # message, numbers
{
	message=$1
	shift
	(ulimit -c 0; "$tmp/misuse" "$@" 2>"$tmp/err"; [ $? -gt 127 ]) &&
		grep -q "^quern: qn_pool_free: $message 0x[0-9a-f]*\$" "$tmp/err"
}
stopped "the buffer is not taken:" 0 0
ok "a buffer that is freed twice" $?
stopped "no buffer of this pool:" 1 0
ok "a pointer into a buffer" $?
stopped "no buffer of this pool:" 100000 0
ok "a pointer from elsewhere" $?
stopped "the buffer is not taken:" 24 0
ok "a buffer that was never taken" $?

finish
