# SPDX-License-Identifier: MIT
"""guard.py - what guarded samples cost real programs, in instructions.

Callgrind counts each program with guard:20000 and without, once for each seed: which blocks
are guarded is chance. Nearly all of the difference is in the unwinder, which takes two stacks
of a guarded block; a part is the loading of libgcc_s.so.1, which has it. A page fault and the
kernel's part of a system call are not counted.
"""
import glob

import sampler
from tables import Table

AIM = 1.0
N = 20000
PROGRAMS = ("sqlite3", "perl", "python3")
UNWINDER = "/*/*-linux-gnu/libgcc_s.so.1", "/usr/lib64/libgcc_s.so.1"


def chosen(options, workloads):
    wanted = options.only.replace(",", " ").split() or PROGRAMS
    return [w for w in workloads if w.name in wanted]


def unwinder():
    for pattern in UNWINDER:
        for path in glob.glob(pattern):
            return [path]
    return []


def count(bench, runner, seed):
    """Instructions without and with."""
    return [sampler.own(sampler.callgrind(bench, runner, conf, more))[1]
            for conf, more in (("seed:%d" % seed, []),
                               ("seed:%d,guard:%d" % (seed, N), unwinder()))]


def measure(bench, runners, seeds):
    """Prints a row a program; returns whether any was counted."""
    worst = None
    table = Table(-10, 17, 17, 10, 10)
    table.row("", "without", "guard:%d" % N, "mean", "most")
    for i, runner in enumerate(runners):
        name = runner.workload.name
        parts = []
        try:
            for seed in range(1, seeds + 1):
                bench.progress.show("counting", "%s, seed %d" % (name, seed),
                                    (i + (seed - 1) / seeds) / len(runners))
                off, on = count(bench, runner, seed)
                parts.append(100 * (on - off) / off)
        except (OSError, RuntimeError) as error:
            bench.progress.say("left out: %s: %s" % (name, error))
            continue
        worst = max(parts + [worst or 0])
        table.row(name, f"{off:,}", f"{on:,}",
                  "%.2f %%" % (sum(parts) / seeds), "%.2f %%" % max(parts))
    bench.progress.end()
    if worst is None:
        return False
    print("\nInstructions, counted by callgrind, of %d seeds. The dearest run is %.2f %%,"
          " aimed at is less than %.0f %%: %s."
          % (seeds, worst, AIM, "reached" if worst < AIM else "missed"))
    return True
