#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-huge.sh - huge pages under a real program: none below the size that is asked for,
# some above, for no more memory than they may cost, and it goes back all the same.

. "$(dirname "$0")/../x.sh"

cat >"$tmp/huge.py" <<'EOF'
import re

def sums():
    text = open("/proc/self/smaps").read()
    heap = [part for part in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", text)
            if part and int(part.split("-")[0], 16) >> 44 in (1, 2, 3, 4)]
    return [sum(int(kb) for part in heap
                for kb in re.findall(r"(?m)^%s: *(\d+) kB" % name, part))
            for name in ("AnonHugePages", "Rss")]

keep = [bytes(100 + i % 50) for i in range(400000)]
print(*sums(), end=" ")
del keep
print(*sums())
EOF

memory() # SETTING: KB in huge pages and in all, with 60 MB in use; the same after
{
	LD_PRELOAD=$lib QUERN_CONF=$1 PYTHONMALLOC=malloc \
		python3 "$tmp/huge.py"
}

never=$(memory huge:0) && from=$(memory huge:16M) && high=$(memory huge:1G)
ok "python3 runs under each setting" $?
set -- $never $from $high
echo "# KB huge, of all: huge:0 $1 $2, huge:16M $5 $6, huge:1G $9 ${10}"
[ "$1" -eq 0 ] && [ "$2" -gt 40000 ]
ok "huge:0 has none" $?
[ "$9" -eq 0 ] && [ "${10}" -gt 40000 ]
ok "huge:1G has none" $?
# What a mapping of the program's own gets, so that a heap without any is not excused
system_has()
{
	LD_PRELOAD= python3 -c 'import mmap, re
m = mmap.mmap(-1, 32 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
m.madvise(mmap.MADV_HUGEPAGE)
for at in range(0, 32 << 20, 4096):
    m[at] = 1
text = open("/proc/self/smaps").read()
print(sum(map(int, re.findall(r"(?m)^AnonHugePages: *(\d+) kB", text))))'
}
if [ "$5" -eq 0 ] && [ "$(system_has)" -lt 16384 ]; then
	skip "huge:16M has some" "the system has none to give"
else
	[ "$5" -ge 16384 ] && [ "$6" -le $(($2 + $2 / 16)) ]
	ok "huge:16M has some, for at most a sixteenth more" $?
fi
[ "$4" -le $(($2 / 4)) ] && [ "$8" -le $(($6 / 4)) ]
ok "what is freed goes back with them and without" $?

finish
