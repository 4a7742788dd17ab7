# SPDX-License-Identifier: MIT
"""rounds.py - has the program rounds compare subjects, and reads its figures.

rounds.c tells how subjects and contests look, and bench/suite/rounds how they are run.
Figures are an object:

    contests   name -> subject -> measure -> median, quartile, ratio to the first
               subject, rounds; or "failed" and why
    rivals     name -> measure -> the best subject but the last one, and the last one
               as a ratio to it; None: there is no such pair
    means      measure -> base -> subject -> geometric mean of ratios, and the mean
               without the least and the greatest ratio
    common     contests that ran under all subjects, which means are of
    points     name -> subject -> resident set over time, of watched contests

Times are microseconds, sizes bytes.
"""
import json
import os
import subprocess
import sys

LIMIT = 120         # seconds of a run
MOST = 250          # rounds, QN_COMPARE_MAX_ROUNDS


def subject(name, path="-", settings=(), before=()):
    """An allocator: its library, "-" for none. before: words in front of commands."""
    preload = [] if path == "-" else ["LD_PRELOAD=" + path]
    return {"name": name, "set": preload + list(settings),
            "before": list(before)}


def allocators(bench):
    return [subject(name, path) for name, path in bench.allocators]


def contest(bench, name, argv, **more):
    """A command; more: as in rounds.c."""
    return dict({"name": name, "argv": argv, "dir": bench.work, "set": [],
                 "prepare": [], "answer": None, "compared": True,
                 "figures": 0, "watched": False}, **more)


def compare(bench, subjects, contests, rounds):
    done = subprocess.run(
        [os.path.join(bench.bin, "rounds")], env=bench.env, check=False,
        text=True, stdout=subprocess.PIPE, input=json.dumps(
            {"rounds": rounds, "limit": LIMIT, "subjects": subjects,
             "contests": contests}))
    if done.returncode:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def failures(figures):
    """Sentences about runs that failed."""
    return ["%s under %s %s" % (name, under, cell["failed"])
            for name, row in figures["contests"].items()
            for under, cell in row.items() if "failed" in cell]


def median(figures, name, under, measure):
    """None where the contest failed under this subject."""
    cell = figures["contests"][name][under]
    return None if "failed" in cell else cell[measure]["median"]
