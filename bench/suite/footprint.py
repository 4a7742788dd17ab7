# SPDX-License-Identifier: MIT
"""footprint.py - memory that goes back, and what start-up costs.

The patterns of memory.c mostly wait, so all allocators wait at the same time;
the loops, which are timed, run one after the other.
"""
import os
import subprocess

import rounds

LOOP = "loop-"
STARTUP_ROUNDS = 240


def patterns(bench, options):
    program = os.path.join(bench.bin, "memory")
    names = subprocess.run([program], stdout=subprocess.PIPE, text=True,
                           check=False).stdout.split()
    wanted = options.only.replace(",", " ").split()
    return program, [n for n in names if not wanted or n in wanted]


def wait_for(bench, program, pattern):
    """All allocators at once: KB at the peak and 0, 1, 2, 5, 10 s after it."""
    running = {name: subprocess.Popen([program, pattern], text=True,
                                      env=bench.environment(path),
                                      stdout=subprocess.PIPE)
               for name, path in bench.allocators}
    return {name: [int(n) for n in p.communicate()[0].split()]
            for name, p in running.items()}


def waits(bench, options):
    """By pattern and allocator: what wait_for() has."""
    program, names = patterns(bench, options)
    names = [n for n in names if not n.startswith(LOOP)]
    results = {}
    for i, name in enumerate(names):
        bench.progress.show("memory after a peak", name, i / len(names))
        results[name] = wait_for(bench, program, name)
    bench.progress.end()
    return results


def loops(bench, options):
    """Figures; a run's own are microseconds of its fastest, mean and median round."""
    program, names = patterns(bench, options)
    contests = [rounds.contest(bench, n, [program, n], figures=3,
                               compared=False)
                for n in names if n.startswith(LOOP)]
    if not contests:
        return None
    return rounds.compare(bench, rounds.allocators(bench), contests,
                          min(options.rounds, 3))


def startup(bench, options):
    """Figures of "none" and all allocators, two contests a program.

    CPU time is the lower quartile: whatever else runs on the machine only adds
    to what a start takes, and it takes less than a time slice. What is resident at exit
    is the third figure that measure prints.
    """
    programs = {"true": ["/bin/true"],
                "one malloc": [os.path.join(bench.bin, "pair"), "64"]}
    measure = [os.path.join(bench.bin, "measure"), "-r", "-o", "/dev/stdout",
               "-"]
    contests = []
    for name, argv in programs.items():
        contests.append(rounds.contest(bench, name, argv, compared=False))
        contests.append(rounds.contest(bench, name + ", resident",
                                       measure + argv, figures=3,
                                       compared=False))
    return rounds.compare(bench,
                          [rounds.subject("none")] + rounds.allocators(bench),
                          contests,
                          STARTUP_ROUNDS // (4 if options.quick else 1))
