# SPDX-License-Identifier: MIT
"""threads.py - whether an operation costs the same whatever the number of threads.

Each workload does a fixed amount of work, which its threads share, so its CPU
time would be the same with any number of them if nothing were shared but the
processors. The rounds are interleaved; what is printed is the median of a number
of threads as a ratio to that of one thread, under the same allocator.
"""
import os

import rounds
from tables import Table

WORKLOADS = ("sizes", "mix", "server")
THREADS = (1, 2, 4, 8)


def show(bench, figures, name):
    table = Table(-10, 12, *[10] * len(THREADS[1:]))
    table.row(name, "1 thread", *THREADS[1:])
    for allocator, _ in bench.allocators:
        taken = [rounds.median(figures, "%s-%d" % (name, t), allocator, "cpu")
                 for t in THREADS]
        if None in taken:
            table.row(allocator, "failed")
        else:
            table.row(allocator, "%.3f s" % (taken[0] / 1e6),
                      *["%.2f" % (t / taken[0]) for t in taken[1:]])


def measure(bench, options):
    """Prints a table a workload."""
    program = os.path.join(bench.bin, "workloads")
    for name in options.only.replace(",", " ").split() or WORKLOADS:
        contests = [rounds.contest(bench, "%s-%d" % (name, t),
                                   [program, name, str(t)]) for t in THREADS]
        show(bench, rounds.compare(bench, rounds.allocators(bench), contests,
                                   options.rounds), name)
    print("\nCPU time; with more threads as ratios to one, medians of %d rounds,"
          " %d processors" % (options.rounds, os.cpu_count()))
