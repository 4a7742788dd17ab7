# SPDX-License-Identifier: MIT
"""threads.py - whether an operation costs the same whatever the number of threads.

Each workload does a fixed amount of work, which its threads share, so its CPU
time would be the same with any number of them if nothing were shared but the
processors. All runs are interleaved; what is printed is the median of a number
of threads as a ratio to that of one thread, under the same allocator.
"""
import os
import statistics
import subprocess

WORKLOADS = ("sizes", "mix", "server")
THREADS = (1, 2, 4, 8)


def cpu(bench, path, name, threads):
    usage = os.path.join(bench.work, "threads")
    subprocess.run([os.path.join(bench.bin, "measure"), "-o", usage, path,
                    os.path.join(bench.bin, "workloads"), name, str(threads)],
                   env=bench.env, check=True, stdout=subprocess.DEVNULL)
    with open(usage, encoding="ascii") as f:
        user, system = f.read().split()[:2]
    return int(user) + int(system)


def measure(bench, options):
    """Prints a table a workload."""
    wanted = options.only.replace(",", " ").split() or WORKLOADS
    for i, name in enumerate(wanted):
        taken = {(a, t): [] for a, _ in bench.allocators for t in THREADS}
        for r in range(options.rounds):
            bench.progress.show("threads", "%s, round %d" % (name, r + 1),
                                (i + r / options.rounds) / len(wanted))
            for threads in THREADS:
                for allocator, path in bench.allocators:
                    taken[allocator, threads].append(
                        cpu(bench, path, name, threads))
        print("%-10s%12s" % (name, "1 thread")
              + "".join("%10d" % t for t in THREADS[1:]))
        for allocator, _ in bench.allocators:
            one = statistics.median(taken[allocator, 1])
            print("%-10s%10.3f s" % (allocator, one / 1e6) + "".join(
                "%10.2f" % (statistics.median(taken[allocator, t]) / one)
                for t in THREADS[1:]))
    bench.progress.end()
    print("\nCPU time; with more threads as ratios to one, medians of %d rounds,"
          " %d processors" % (options.rounds, os.cpu_count()))
