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
import resource
import shutil
import statistics
import subprocess

import traces

PROGRAMS = traces.PROGRAMS + ("git-log", "node", "php", "ruby")


def cpu(bench, runner, prefix):
    """CPU seconds of the command and its children, and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(prefix + runner.argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=dict(bench.env, **runner.workload.env),
                          cwd=runner.tmp, check=False, encoding="utf-8",
                          errors="replace")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime
            + after.ru_stime - before.ru_stime, done.stderr)


def recorders(bench, folder):
    """Name, command in front of the program, pattern of its file."""
    file = os.path.join(folder, "recorded")
    found = [("quern", [os.path.join(bench.build, "quern"), "record",
                        "--sites", "--zstd", "-o", file, "--"], file),
             ("quern, no sites", [os.path.join(bench.build, "quern"), "record",
                                  "--zstd", "-o", file, "--"], file)]
    heaptrack = shutil.which("heaptrack", path=bench.env["PATH"])
    if heaptrack:
        found.append(("heaptrack", [heaptrack, "-o", file], file + ".*"))
    else:
        bench.progress.say("not compared: heaptrack (apt-get install "
                           "heaptrack)")
    return found


def measure(bench, runner, found, rounds):
    """By recorder, and "alone": CPU seconds of each round and the file's bytes."""
    seconds = {name: [] for name in ["alone"] + [f[0] for f in found]}
    size, events = {}, 0
    for _ in range(rounds):
        seconds["alone"].append(cpu(bench, runner, [])[0])
        for name, prefix, pattern in found:
            spent, said = cpu(bench, runner, prefix)
            seconds[name].append(spent)
            files = glob.glob(pattern)
            size[name] = sum(os.path.getsize(f) for f in files)
            counted = re.search(r"([\d,]+) events", said)
            if counted:
                events = int(counted.group(1).replace(",", ""))
            for f in files:
                os.remove(f)
    return {n: statistics.median(s) for n, s in seconds.items()}, size, events


def mean(ratios):
    return math.exp(statistics.mean(math.log(r) for r in ratios))


def show(bench, runners, rounds):
    folder = os.path.join(bench.work, "recorders")
    os.makedirs(folder)
    found = recorders(bench, folder)
    names = [f[0] for f in found]
    ratios = []
    print("\n%-10s %10s %8s" % ("", "events", "alone s")
          + "".join("%24s" % n for n in names) + "%16s" % "quern/heaptrack")
    print("%-10s %10s %8s" % ("", "", "")
          + "%14s%10s" % ("CPU s", "KiB") * len(names)
          + "%8s%8s" % ("CPU", "bytes"))
    for i, runner in enumerate(runners):
        bench.progress.show("recorders", runner.workload.name,
                            i / len(runners))
        seconds, size, events = measure(bench, runner, found, rounds)
        line = "%-10s %10d %8.2f" % (runner.workload.name, events,
                                     seconds["alone"])
        for name in names:
            line += "%14.2f%10.1f" % (seconds[name], size[name] / 1024)
        if size.get("heaptrack"):
            ratios.append((seconds["quern"] / seconds["heaptrack"],
                           size["quern"] / size["heaptrack"]))
            line += "%8.2f%8.2f" % ratios[-1]
        print(line, flush=True)
    bench.progress.end()
    if ratios:
        print("%-*s%8.2f%8.2f" % (30 + 24 * len(names), "geometric mean",
                                  mean([r[0] for r in ratios]),
                                  mean([r[1] for r in ratios])))


def chosen(options):
    if options.only in ("", "all"):
        options.only = " ".join(PROGRAMS)
    return traces.chosen(options)
