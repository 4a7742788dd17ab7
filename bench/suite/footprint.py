# SPDX-License-Identifier: MIT
"""footprint.py - memory that goes back, and what start-up costs.

The patterns of memory.c mostly wait, so all allocators wait at the same time;
the loops, which are timed, run one after the other.
"""
import os
import statistics
import subprocess

STARTUP_RUNS = 4
STARTUP_ROUNDS = 60


def environment(bench, library):
    env = dict(bench.env)
    if library != "-":
        env["LD_PRELOAD"] = library
    return env


def patterns(bench, options):
    program = os.path.join(bench.bin, "memory")
    names = subprocess.run([program], stdout=subprocess.PIPE, text=True,
                           check=False).stdout.split()
    wanted = options.only.replace(",", " ").split()
    return program, [n for n in names if not wanted or n in wanted]


def wait_for(bench, program, pattern):
    """All allocators at once: KB at the peak and 0, 1, 2, 5, 10 s after it."""
    running = {name: subprocess.Popen([program, pattern], text=True,
                                      env=environment(bench, path),
                                      stdout=subprocess.PIPE)
               for name, path in bench.allocators}
    return {name: [int(n) for n in p.communicate()[0].split()]
            for name, p in running.items()}


def run_loop(bench, program, pattern, rounds):
    """Microseconds of the fastest, mean and median round, medians of runs."""
    runs = {name: [] for name, _ in bench.allocators}
    for _ in range(rounds):
        for name, path in bench.allocators:
            out = subprocess.run([program, pattern], text=True, check=False,
                                 env=environment(bench, path),
                                 stdout=subprocess.PIPE).stdout.split()
            if len(out) == 3:
                runs[name].append([int(n) for n in out])
    return {name: [statistics.median(r[i] for r in run) for i in range(3)]
            for name, run in runs.items() if run}


def memory(bench, options):
    program, names = patterns(bench, options)
    results = {}
    for i, name in enumerate(names):
        bench.progress.show("memory after a peak", name, i / len(names))
        if name.startswith("loop-"):
            results[name] = run_loop(bench, program, name,
                                     min(options.rounds, 3))
        else:
            results[name] = wait_for(bench, program, name)
    bench.progress.end()
    return results


def start_many(bench, path, program, usage):
    """CPU microseconds and resident KB of some runs."""
    measure = os.path.join(bench.bin, "measure")
    taken = []
    for flags in ([], ["-r"]):
        subprocess.run([measure] + flags + ["-n", str(STARTUP_RUNS),
                                            "-o", usage, path] + program,
                       env=bench.env, check=True)
        with open(usage, encoding="ascii") as f:
            lines = [[int(x) for x in line.split()] for line in f]
        taken.append([n[2] if flags else n[0] + n[1] for n in lines])
    return taken


def startup(bench, options):
    """Of many runs: {program: {allocator: CPU and memory}}.

    CPU time is the lower quartile: whatever else runs on the machine only adds
    to what a start takes, and it takes less than a time slice.
    """
    usage = os.path.join(bench.work, "startup")
    programs = {"true": ["/bin/true"],
                "one malloc": [os.path.join(bench.bin, "pair"),
                               "64"]}
    runs = [(p, name, path) for p in programs
            for name, path in [("none", "-")] + bench.allocators]
    rounds = STARTUP_ROUNDS if not options.quick else 15
    cpu = {run[:2]: [] for run in runs}
    resident = {run[:2]: [] for run in runs}
    for r in range(rounds):
        bench.progress.show("start-up", "round %d" % (r + 1), r / rounds)
        for program, name, path in runs:
            taken = start_many(bench, path, programs[program], usage)
            cpu[program, name] += taken[0]
            resident[program, name] += taken[1]
    bench.progress.end()
    return {p: {name: {"cpu_us": statistics.quantiles(cpu[p, name])[0],
                       "resident_kb": statistics.median(resident[p, name])}
                for q, name, _ in runs if q == p} for p in programs}
