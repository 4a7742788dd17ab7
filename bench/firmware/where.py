#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# where.py - in which functions the last of some calls spends its instructions.
#
#   where.py [--heap BYTES] IMAGE.elf 'a1:1313 a2:2651 f1 a3:620'
#
# IMAGE.elf is a replay-*.elf; the calls are written as the adversarial search
# prints them; s and w, which a trace cannot hold, are left out with a warning. The
# image runs in QEMU instruction by instruction; each is put down to the function it
# lies in. Prints the functions in order, then their sums. The measuring code itself
# is left out.

import argparse
import bisect
import collections
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from trail import addresses, die, end, functions, need_image, start  # noqa: E402

MEASURED = {"gauge_alloc", "gauge_aligned", "gauge_free", "gauge_resize"}
CALLERS = {"do_alloc", "do_free", "do_realloc", "do_op", "alloc", "count",
           "replay_run"}
MEASURING = re.compile(r"gauge_|read_systick$|quern_|libc_|note$|__wrap_mem")


def line_of(move, live):
    """A move as a line of a trace; "" if its slot does not allow it"""
    if move[0] in "sw":
        print("where.py: %s is left out" % move, file=sys.stderr)
        return ""
    match = re.fullmatch(r"([aAfr])(\d+)(?::(\d+))?", move)
    if not match:
        die("%s is no call like a1:24, A1:24, r1:40 or f1" % move)
    kind, slot, size = match[1], int(match[2]), int(match[3] or 0)
    if (slot in live) == (kind in "aA"):
        return ""
    if kind == "f":
        live.remove(slot)
        return "0 0 free %d\n" % slot
    live.add(slot)
    call = {"a": "malloc", "A": "aligned", "r": "realloc"}[kind]
    return "0 0 %s %d %d%s\n" % (call, slot, size,
                                 " 64" if kind == "A" else "")


def write_trace(moves, image, folder):
    """The trace of these moves, by the command of the image's build"""
    quern = os.path.join(os.path.dirname(image), "../../quern")
    live = set()
    text = "".join(line_of(move, live) for move in moves)
    done = subprocess.run([quern, "trace", "convert", "--from=text", "-o",
                           os.path.join(folder, "t.trace"), "-"],
                          input=text, text=True, check=False)
    if done.returncode:
        die("no trace was made by " + quern)


def run(image, heap, folder):
    """The output of a run, and the file that names every instruction"""
    log = os.path.join(folder, "log")
    return end(start(image, ["trace=t.trace", "heap=%d" % heap], log,
                     folder)), log


def last_call(log, starts, names):
    """Names of the functions of each instruction of the last measured call"""
    call, latest, inside = [], [], False
    for address in addresses(log):
        at = bisect.bisect_right(starts, address) - 1
        name = names[at]
        if name in MEASURED and starts[at] == address:
            call, inside = [], True
        elif inside and name in CALLERS:
            latest, inside = call, False
        elif inside and not MEASURING.match(name):
            call.append(name)
    return latest


def main():
    parser = argparse.ArgumentParser(
        description="where the last of some calls spends its instructions")
    parser.add_argument("--heap", type=int, default=16384, help="bytes")
    parser.add_argument("image", help="a replay-*.elf")
    parser.add_argument("calls", help="as the adversarial search prints them")
    args = parser.parse_args()
    need_image(args.image)
    image = os.path.abspath(args.image)
    with tempfile.TemporaryDirectory() as folder:
        write_trace(args.calls.split(), image, folder)
        output, log = run(image, args.heap, folder)
        call = last_call(log, *functions(args.image))
    print(output, end="")
    parts = []
    for name in call:
        if not parts or parts[-1][0] != name:
            parts.append([name, 0])
        parts[-1][1] += 1
    print(" > ".join("%s %d" % tuple(part) for part in parts))
    for name, nr in collections.Counter(call).most_common():
        print("%6d %s" % (nr, name))
    print("%6d in all, and the call itself" % len(call))


main()
