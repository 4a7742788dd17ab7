# SPDX-License-Identifier: MIT
"""How much of a program hint records cover.

    coverage.py QUERN PROGRAM COMMAND...

COMMAND runs PROGRAM, which was compiled with a plugin. Prints which of its sites have a constant or a bounded
size, and how many of the requests of one run have a size that a record names, to a word. A size
is evidence, no proof: it may come from another site.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

UNKNOWN = 0xffffffff
# Bounds that are farther apart name no size
NARROW = 256


def records(quern, program):
    text = subprocess.run([quern, "hints", "--json", program], check=True,
                          stdout=subprocess.PIPE).stdout
    return json.loads(text)["records"]


def kind(record):
    if record["size_min"] == record["size_max"]:
        return "constant"
    if record["size_max"] not in (None, UNKNOWN):
        return "bounded"
    return "element" if record["element"] else "unknown"


def share(part, whole):
    return "%5.1f %%" % (100 * part / whole if whole else 0)


def sizes(quern, command):
    """Requests of one run, by size in words of 8 bytes; realloc counts as one"""
    asked = {}
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        subprocess.run([quern, "record", "-o", trace, "--"] + command,
                       stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        convert = subprocess.Popen([quern, "trace", "convert", "--to=csv",
                                    "-o", "-", trace],
                                   stdout=subprocess.PIPE, text=True)
        for row in csv.DictReader(convert.stdout):
            if row["call"].endswith("alloc") or "align" in row["call"]:
                words = (int(row["bytes"]) + 7) // 8
                asked[words] = asked.get(words, 0) + 1
        convert.wait()
    return asked


def main():
    quern, program, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    found = records(quern, program)
    nr_sites = sum(r["sites"] for r in found)
    print("%s: %d sites" % (os.path.basename(program), nr_sites))
    for name in ("constant", "bounded", "element", "unknown"):
        nr = sum(r["sites"] for r in found if kind(r) == name)
        print("  %-24s %s" % (name, share(nr, nr_sites)))
    asked = sizes(quern, command)
    constant = {(r["size_min"] + 7) // 8 for r in found
                if kind(r) == "constant"}
    ranges = [((r["size_min"] + 7) // 8, (r["size_max"] + 7) // 8)
              for r in found if kind(r) == "bounded" and
              r["size_max"] - r["size_min"] <= NARROW]
    total = sum(asked.values())
    exact = sum(n for s, n in asked.items() if s in constant)
    within = sum(n for s, n in asked.items() if s not in constant and
                 any(a <= s <= b for a, b in ranges))
    print("  %d requests of a run" % total)
    print("  %-24s %s" % ("a constant size's", share(exact, total)))
    print("  %-24s %s" % ("else within narrow ones", share(within, total)))


main()
