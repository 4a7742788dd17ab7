# SPDX-License-Identifier: MIT
"""hard.py - what the levels of the hardened mode cost real programs.

Each program runs as it is, with hard:1 and with hard:2, in rounds; a cell is a median, as a
ratio to the plain run's. The aim is that a level costs half as much again, in CPU time and in
memory.
"""
import math

import rounds
import suite
from tables import Table

AIM = 1.5
LEVELS = ("hard:1", "hard:2")
MEASURES = ("cpu", "peak")


def chosen(options):
    wanted = options.only.replace(",", " ").split()
    return [w for w in suite.programs() if not wanted or w.name in wanted]


def subjects(bench):
    library = dict(bench.allocators)[suite.OURS]
    return [rounds.subject(suite.OURS, library)] + [
        rounds.subject(level, library, ["QUERN_CONF=" + level])
        for level in LEVELS]


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def measure(bench, runners, options):
    """Prints a row a program; returns whether all ran."""
    figures = rounds.compare(bench, subjects(bench),
                             [r.contest() for r in runners], options.rounds)
    columns = [(level, m) for level in LEVELS for m in MEASURES]
    ratios = {column: [] for column in columns}
    table = Table(-10, 9, 10, 12, 12, 12, 12)
    table.row("", "CPU s", "peak", *("%s %s" % c for c in columns))
    for name in figures["contests"]:
        cells = []
        for level, m in columns:
            base = rounds.median(figures, name, suite.OURS, m)
            value = rounds.median(figures, name, level, m)
            if not base or not value:
                cells.append("failed")
                continue
            ratios[level, m].append(value / base)
            cells.append("%.2f" % (value / base))
        cpu, peak = (rounds.median(figures, name, suite.OURS, m) or 0
                     for m in MEASURES)
        table.row(name, "%.2f" % (cpu / 1e6), "%.0f MB" % (peak / 1e6), *cells)
    table.row("mean", "", "", *("%.2f" % mean(ratios[c]) if ratios[c] else ""
                                for c in columns))
    table.row("above %.1f" % AIM, "", "", *("%d" % sum(
        r > AIM for r in ratios[c]) for c in columns))
    for line in rounds.failures(figures):
        print(line)
    return not rounds.failures(figures)
