# SPDX-License-Identifier: MIT
"""recorders.py - what recording call sites costs, beside heaptrack.

CPU time of the program and of all that writes its file, and the bytes of that
file, which both compress. heaptrack looks names up while it writes; quern does
when the trace is read. In each round every program runs alone, under heaptrack
and under quern record; medians are shown.
"""
import glob
import math
import os
import re
import shutil
import statistics
import subprocess

import rounds
import traces
from tables import Table

PROGRAMS = traces.PROGRAMS + ("git-log", "node", "php", "ruby")


def recorders(bench, folder):
    """Name and command in front of the program; each has a file of its own."""
    quern = [os.path.join(bench.build, "quern"), "record", "--zstd", "-o"]
    found = {"quern": quern + [os.path.join(folder, "quern"), "--sites",
                               "--"],
             "quern, no sites": quern + [os.path.join(folder, "plain"), "--"]}
    heaptrack = shutil.which("heaptrack", path=bench.env["PATH"])
    if heaptrack:
        found["heaptrack"] = [heaptrack, "-o",
                              os.path.join(folder, "heaptrack")]
    else:
        bench.progress.say("not compared: heaptrack (apt-get install "
                           "heaptrack)")
    return found


def written(before):
    """Bytes of the file that a recorder wrote last."""
    path = before[before.index("-o") + 1]
    return sum(os.path.getsize(f) for f in glob.glob(path)
               + glob.glob(path + ".*"))


def calls(before):
    """Of all processes in quern's own trace."""
    said = subprocess.run([before[0], "trace", "info",
                           before[before.index("-o") + 1]], text=True,
                          stdout=subprocess.PIPE, check=False).stdout
    return sum(int(n.replace(",", "")) for line in said.splitlines()
               if line.startswith("  calls ")
               for n in re.findall(r"\d[\d,]*", line))


def measure(bench, runner, found, nr_rounds):
    """CPU seconds and the file's bytes by recorder, and "alone"."""
    name = runner.workload.name
    figures = rounds.compare(
        bench, [rounds.subject("alone")] + [rounds.subject(n, before=b)
                                            for n, b in found.items()],
        [runner.contest(compared=False)], nr_rounds)
    seconds = {n: (rounds.median(figures, name, n, "cpu") or 0) / 1e6
               for n in ["alone"] + list(found)}
    return seconds, {n: written(b) for n, b in found.items()}


def mean(ratios):
    return math.exp(statistics.mean(math.log(r) for r in ratios))


def show(bench, runners, nr_rounds):
    folder = os.path.join(bench.work, "recorders")
    os.makedirs(folder)
    found = recorders(bench, folder)
    ratios = []
    print()
    Table(-10, 11, 9, *[24] * len(found) + [16]).row(
        "", "calls", "alone s", *list(found) + ["quern/heaptrack"])
    table = Table(-10, 11, 9, *[14, 10] * len(found) + [8, 8])
    table.row("", "", "", *["CPU s", "KiB"] * len(found) + ["CPU", "bytes"])
    for runner in runners:
        seconds, size = measure(bench, runner, found, nr_rounds)
        cells = []
        for name in found:
            cells += ["%.2f" % seconds[name], "%.1f" % (size[name] / 1024)]
        if size.get("heaptrack"):
            ratios.append((seconds["quern"] / seconds["heaptrack"],
                           size["quern"] / size["heaptrack"]))
            cells += ["%.2f" % r for r in ratios[-1]]
        table.row(runner.workload.name,
                  calls(found["quern, no sites"]),
                  "%.2f" % seconds["alone"], *cells)
        for file in os.listdir(folder):
            os.remove(os.path.join(folder, file))
    if ratios:
        Table(-30, 24 * len(found) + 8, 8).row("geometric mean", *[
            "%.2f" % mean([r[i] for r in ratios]) for i in range(2)])


def chosen(options):
    if options.only in ("", "all"):
        options.only = " ".join(PROGRAMS)
    return traces.chosen(options)
