#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-html.sh - the pages of quern run and quern replay: well-formed, one file that loads
# nothing, with memory over time, whose memory it is, sizes and lives; the program and the
# report are as they are without it.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
python=$(command -v /usr/bin/python3 || command -v python3)

says()
{
	grep -q -- "$2" "$1"
}

# sound FILE: well-formed, and nothing in it comes from elsewhere
sound()
{
	[ "$(head -n 1 "$1")" = "<!DOCTYPE html>" ] &&
		! grep -E '(src|href|url\()' "$1" >/dev/null || return 1
	if command -v xmllint >/dev/null; then
		sed 1d "$1" | xmllint --noout - 2>bad || return 1
	fi
	[ -z "$python" ] || "$python" - "$1" <<'END'
import html.parser, sys
void = {"meta", "rect", "path", "line", "circle", "br"}
open_now, seen = [], set()
class Parser(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        seen.add(tag)
        if tag not in void:
            open_now.append(tag)
    def handle_startendtag(self, tag, attributes):
        seen.add(tag)
    def handle_endtag(self, tag):
        if tag not in void:
            assert open_now.pop() == tag, (tag, self.getpos())
Parser().feed(open(sys.argv[1]).read())
assert not open_now and {"title", "h1", "h2"} <= seen, open_now
END
}

cat >"$tmp/grows.c" <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APART __attribute__((noipa))

static void *kept[400];
APART void *grower(void) { return memset(malloc(100000), 1, 100000); }
APART void churner(void) { char *p = malloc(100); *p = 1; free(p); }

int main(void)
{
	for (int i = 0; i < 400; i++) {
		kept[i] = grower();
		for (int k = 0; k < 2000; k++)
			churner();
		usleep(1000);
	}
	for (int i = 0; i < 400; i++)
		free(kept[i]);
	return 3;
}
END
must $cc $flags -w -o "$tmp/grows" "$tmp/grows.c"
cd "$tmp" || exit 99
unset QUERN_CONF LD_PRELOAD

"$quern" run --sites --conf=sample:4096 --html=page.html ./grows >out 2>err
[ $? = 3 ] && says err '^quern: grows .* status 3' && [ ! -s out ] &&
	sound page.html && says page.html 'Memory over time' &&
	says page.html '>kept<' && says page.html '>resident<' &&
	says page.html '<title>grower: [0-9.]* MiB' && says page.html '>Lives of blocks<' &&
	says page.html '<title>112 B: [0-9,]* blocks' && says page.html 'quern: grows (pid'
ok "a page of a run" $?

# The highest point of the line "resident" belongs to the 40 MB that it grew to
if [ -n "$python" ]; then
	"$python" - page.html <<'END'
import re, sys
s = open(sys.argv[1]).read()
labels = [(float(y), float(n)) for y, n in
          re.findall(r'<text x="[0-9.]+" y="([0-9.]+)"[^>]*>([0-9.]+) MiB</text>',
                     s[s.index("Memory over time"):s.index("figcaption>")])]
(y0, n0), (y1, n1) = labels[0], labels[-1]
paths = re.findall(r'<path[^>]* d="M([^"]+)"', s[:s.index("figcaption>")])
top = min(float(p.split()[1]) for p in re.findall(r'[0-9.]+ [0-9.]+', paths[-1]))
mib = n0 + (top - (y0 - 4)) * (n1 - n0) / (y1 - y0)
assert 34 < mib < 60, (mib, labels, top)
END
	ok "memory over time reaches what there was" $?
fi

"$quern" run --html=- ./grows >page2.html 2>err
[ $? = 3 ] && sound page2.html && says err '^HEAP'
ok "to standard output" $?
"$quern" run --html=page3.html true 2>err && sound page3.html && ! says page3.html 'Lives of'
ok "of a program that asks for nothing" $?
"$quern" run --html=page4.html sh -c 'exec ./grows' 2>err
[ $? = 3 ] && sound page4.html && says page4.html '>resident<'
ok "of a program that becomes another one" $?
rm -f ran
"$quern" run --html=/not/there/page sh -c 'echo >ran' 2>err
[ $? = 125 ] && says err "cannot write the report to '/not/there/page'.*--html=FILE" &&
	[ ! -e ran ]
ok "a page that cannot be written is told before the program starts" $?

"$quern" record --sites -o g.qt -- ./grows 2>/dev/null
"$quern" replay --count=none --html=replay.html g.qt >out 2>err && sound replay.html &&
	says replay.html '<title>grower: [0-9.]* MiB' && says replay.html 'Bytes asked for, by size' &&
	says out '  calls' &&
	"$quern" replay --count=none --engine=libc --html=libc.html g.qt >out 2>err &&
	sound libc.html && says libc.html 'Memory over time' &&
	"$quern" replay --count=none --html=- - <g.qt >both 2>err && sound both &&
	[ "$(head -n 1 both)" = '<!DOCTYPE html>' ]
ok "a page of a replay" $?
"$quern" replay --count=none --json --html=j.html g.qt >out 2>err && sound j.html &&
	[ "$(head -n 1 out)" = '{' ] && says out '"peak_live": [1-9]' &&
	says out '"instructions": null' && says out '"policy": "rule"'
ok "a replay as JSON" $?
! "$quern" replay --json --html=- g.qt >out 2>err && says err 'only one of' &&
	! "$quern" run --report=- --html=- -- true >out 2>err &&
	says err 'only one of'
ok "standard output is for one of them" $?
"$quern" replay --count=none --html=/not/there/page g.qt >out 2>err
[ $? = 125 ] && says err 'cannot write'
ok "a page of a replay that cannot be written" $?
if [ -c /dev/full ]; then
	"$quern" replay --count=none --html=/dev/full g.qt >out 2>err
	[ $? = 125 ] && says err "cannot write '/dev/full': No space left on device; make room"
	ok "for want of room" $?
fi
finish
