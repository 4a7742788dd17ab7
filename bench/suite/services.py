# SPDX-License-Identifier: MIT
"""services.py - what services with pauses cost: CPU time and memory, at three prices.

A service runs for half a minute, most of which it waits. What is resident is read
every 10 ms. With memory at X GB-seconds for a CPU-second a run costs its CPU time, and
its average resident memory times its length over X. quern runs four times: at its default
price, and with the price set to each of these. Peers that have a setting for it run with
early decay, too.
"""
import os
import shutil

import rounds
import suite
from tables import Table, plot as draw

PRICES = (7.5, 0.75, 0.075)

# name, command, environment
SERVICES = (
    ("bursts", ["{workloads}", "service"], {}),
    ("python3", ["python3", "{programs}/service.py"],
     {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}),
    ("node", ["node", "{programs}/service.mjs"], {}),
    ("redis", ["{suite}/redis-day.sh", "24"], {}),
)

# What these offer for giving memory back sooner: name, variables
DECAYS = {
    "jemalloc": ["MALLOC_CONF=background_thread:true,dirty_decay_ms:100,"
                 "muzzy_decay_ms:0"],
    "mimalloc": ["MIMALLOC_DECOMMIT_DELAY=0"],
    "tcmalloc": ["TCMALLOC_RELEASE_RATE=10"],
}

TERMINAL = "svg size 900,420 font 'sans,11' background '#ffffff'"
PLOT = """set terminal %s
set output "%s"
set xlabel "seconds"
set ylabel "resident, MB"
set yrange [0:*]
set key outside right top
plot %s
"""


def subjects(bench):
    """Subjects, and the prices that runs of each stand for."""
    for name, path in bench.allocators:
        if name != suite.OURS:
            yield rounds.subject(name, path), PRICES
            if name in DECAYS:
                yield rounds.subject(name + ", decay", path,
                                     DECAYS[name]), PRICES
            continue
        yield rounds.subject(name, path), ()
        for price in PRICES:
            yield rounds.subject(
                "%s, %g" % (name, price), path,
                ["QUERN_CONF=price:%g" % price]), (price,)


def costs(cell, prices):
    cpu, average, seconds = (cell[m]["median"] for m in
                             ("cpu", "own0", "wall"))
    return ["%.2f" % (cpu / 1e6 + average / 1e9 * seconds / 1e6 / p)
            if p in prices else "" for p in PRICES]


def show(bench, name, row):
    table = Table(-16, 8, 10, 10, *[10] * len(PRICES))
    table.row(name, "CPU s", "average", "peak",
              *["at %g" % p for p in PRICES])
    for subject, prices in subjects(bench):
        cell = row[subject["name"]]
        if "failed" in cell:
            table.row(subject["name"], "failed")
            continue
        table.row(subject["name"], "%.2f" % (cell["cpu"]["median"] / 1e6),
                  "%.0f MB" % (cell["own0"]["median"] / 1e6),
                  "%.0f MB" % (cell["peak"]["median"] / 1e6),
                  *costs(cell, prices))
    print()


def plot(name, points, folder):
    """Resident memory over time, of each subject's first run."""
    path = os.path.join(folder, "service-%s.svg" % name)
    curves = ", ".join('"-" with lines title "%s"' % s for s in points)
    data = "".join("".join("%.2f %.1f\n" % (t / 1e6, b / 1e6)
                           for t, b in run) + "e\n"
                   for run in points.values())
    draw(PLOT % (TERMINAL, path, curves) + data, path)
    print()


def measure(bench, options):
    """Prints a table a service. Return: whether quern broke none."""
    wanted = options.only.replace(",", " ").split()
    good = True
    for name, argv, extra in SERVICES:
        if wanted and name not in wanted:
            continue
        argv = [a.format(workloads=os.path.join(bench.bin, "workloads"),
                         programs=os.path.join(os.path.dirname(__file__),
                                               "programs"),
                         suite=os.path.dirname(__file__)) for a in argv]
        if not shutil.which(argv[0]):
            print("%s is not there: left out" % argv[0])
            continue
        figures = rounds.compare(
            bench, [s for s, _ in subjects(bench)],
            [rounds.contest(bench, name, argv, watched=True, set=[
                "%s=%s" % pair for pair in extra.items()])], options.rounds)
        good = good and not rounds.failures(figures)
        show(bench, name, figures["contests"][name])
        plot(name, figures["points"][name], bench.out)
    print("Medians of %d rounds. The last columns are CPU-seconds, with memory at "
          "so many GB-seconds for one." % options.rounds)
    return good
