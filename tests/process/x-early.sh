#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-early.sh - the library is called before it, or the C library, was started;
# from inside the dynamic linker; through another library's malloc.

. "$(dirname "$0")/../x.sh"

# Of all libraries marked so, the one that is loaded last is started first
must $cc $flags -shared -fPIC -o "$tmp/libfirst.so" "$here/x-early-first.c" \
	-Wl,-z,initfirst
must $cc $flags -shared -fPIC -o "$tmp/liblocks.so" "$here/x-early-locks.c"
must $cc $flags -shared -fPIC -o "$tmp/audit.so" "$here/x-early-audit.c"
must $cc $flags -shared -fPIC -o "$tmp/interpose.so" \
	"$here/x-early-interpose.c"
must $cc $flags -o "$tmp/main" "$here/x-early-main.c" -Wl,--no-as-needed \
	-L"$tmp" -lfirst -Wl,-rpath,"$tmp" -lpthread
must $cc $flags -o "$tmp/locks" "$here/x-early-main.c" -Wl,--no-as-needed \
	-L"$tmp" -llocks -Wl,-rpath,"$tmp" -lpthread

preloaded "$tmp/main" >"$tmp/out"
ok "constructors, atfork handlers and destructors older than the library's" $?
show "$tmp/out"

# Only where the library's handlers are the older ones can this end
preloaded "$tmp/locks" >"$tmp/out"
ok "atfork handlers that wait for a lock that is held in malloc" $?
show "$tmp/out"

refused_before() # program: refused, and what its library's constructor said
{
	QUERN_CONF=nonsense X_EARLY_SAYS=1 preloaded "$1" >"$tmp/out" \
		2>"$tmp/err"
	[ $? -eq 2 ] && grep -q '^quern: ' "$tmp/err"
}

refused_before "$tmp/locks" && [ ! -s "$tmp/out" ]
ok "the library starts before others" $?
refused_before "$tmp/main" && grep -q '^first$' "$tmp/out"
ok "but for one that asks for that, too" $?

LD_AUDIT=$tmp/audit.so preloaded "$tmp/main" >"$tmp/out" 2>&1
ok "LD_AUDIT" $?
show "$tmp/out"
seq 50000 >"$tmp/up"
seq 50000 -1 1 >"$tmp/down"
LD_AUDIT=$tmp/audit.so preloaded sort --parallel=4 -n "$tmp/down" >"$tmp/out"
cmp -s "$tmp/out" "$tmp/up"
ok "LD_AUDIT of a real program" $?

LD_PRELOAD="$tmp/interpose.so:$lib" timeout 60 "$tmp/main" interposed \
	>"$tmp/out" 2>&1
ok "a malloc in front that asks dlsym for the next" $?
show "$tmp/out"

finish
