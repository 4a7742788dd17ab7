#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# paths.py - by which ways the calls of a trace go, and what each costs.
#
#   paths.py IMAGE.elf trace=FILE.trace hold=1 step=64 heap=131072
#
# IMAGE.elf is a replay-*.elf, the words are its own. It runs in QEMU instruction by
# instruction. A way is the functions of the heap that a call goes through, in
# order; printed are the share of the calls that go it, the mean of its
# instructions and what it adds to the mean of all, the dearest first. The call
# itself is not counted.

import bisect
import collections
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True

from trail import addresses, die, end, functions, need_image, start  # noqa: E402

ENTRIES = ("qn_heap_alloc", "qn_heap_free", "qn_heap_realloc")
# They begin no call that is to be counted
OTHERS = ("qn_heap_init", "qn_heap_step", "qn_heap_stats", "qn_heap_check",
          "qn_heap_set_policy", "qn_heap_alloc_aligned")
HEAP = re.compile(r"^ \.text\.\S*\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+"
                  r"\S*\.a\((?:heap|zone)\.o\)", re.M)


def heap_text(image):
    """The first address of the heap's code and the last"""
    with open(image[:-4] + ".map") as text:
        parts = [(int(a, 16), int(n, 16)) for a, n in HEAP.findall(text.read())]
    parts = [(a, n) for a, n in parts if a and n]
    if not parts:
        die("the map of %s names no code of the heap" % image)
    return min(a for a, n in parts), max(a + n for a, n in parts) - 1


def heap_addresses(image, words, log):
    """Run; of each instruction of the heap the address"""
    run = start(image, words, log,
                options=["-dfilter", "0x%x..0x%x" % heap_text(image)])
    yield from addresses(log)
    print(end(run), end="")


def ways(image, words, log):
    """By way: calls and instructions"""
    starts, names = functions(image)
    begin = {s: n for s, n in zip(starts, names) if n in ENTRIES + OTHERS}
    sums = collections.defaultdict(lambda: [0, 0])
    way, nr = (), 0
    for address in heap_addresses(image, words, log):
        if address in begin:
            sums[way][0] += 1
            sums[way][1] += nr
            way, nr = (), 0
        name = names[bisect.bisect_right(starts, address) - 1]
        if not way or way[-1] != name:
            way += (name,)
        nr += 1
    sums[way][0] += 1
    sums[way][1] += nr
    return sums


def report(entry, sums):
    mine = {w: s for w, s in sums.items() if w and w[0] == entry}
    calls = sum(s[0] for s in mine.values())
    if not calls:
        return
    print("%s: %d calls, mean %.2f" %
          (entry, calls, sum(s[1] for s in mine.values()) / calls))
    for way, (nr, cost) in sorted(mine.items(), key=lambda x: -x[1][1]):
        if cost * 200 > calls:
            print("%6.1f %% x %6.1f = %6.2f  %s" % (
                100 * nr / calls, cost / nr, cost / calls, " > ".join(way)))


def main():
    if len(sys.argv) < 3 or not sys.argv[1].endswith(".elf"):
        die("usage: paths.py IMAGE.elf trace=FILE.trace [WORD...]")
    need_image(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        os.mkfifo(log)
        sums = ways(sys.argv[1], sys.argv[2:], log)
    for entry in ENTRIES:
        report(entry, sums)


main()
