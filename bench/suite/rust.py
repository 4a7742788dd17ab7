# SPDX-License-Identifier: MIT
"""rust.py - programs in Rust under allocators that are preloaded, and with quern linked.

Each program is built twice: with the system's allocator, which a preloaded library takes the
place of, and with the crate quern as its global allocator. The two are found by PATH. rustc
itself runs under the preloaded ones alone.
"""
import glob
import os
import shutil

import rounds
from tables import Table

LINKED = "quern, linked"
HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))


def contests(bench, folder):
    """Of programs that are built twice. env finds them, by the subject's PATH."""
    sources = sorted(glob.glob(os.path.join(TREE, "lib", "*", "*.[ch]")))
    return [
        rounds.contest(bench, "words, 1 thread",
                       ["env", "words", "1", "6"] + sources),
        rounds.contest(bench, "words, 4 threads",
                       ["env", "words", "4", "6"] + sources),
        rounds.contest(bench, "sensor pipeline",
                       ["env", "pipeline", "1", "4096", "4000000"]),
    ]


def compiler(bench):
    source = os.path.join(TREE, "tests", "rust", "words.rs")
    return rounds.contest(
        bench, "rustc", [os.environ.get("RUSTC", "rustc"), "--edition", "2021", "-O",
                         "-o", os.path.join(bench.work, "words"), source])


def show(name, row, subjects):
    table = Table(-18, 9, 9, 10, 9)
    table.row(name, "CPU s", "to glibc", "peak MB", "to glibc")
    for subject in subjects:
        cell = row[subject["name"]]
        if "failed" in cell:
            table.row(subject["name"], "failed")
            continue
        cells = []
        for measure, unit, digits in (("cpu", 1e6, 3), ("peak", 1e6, 1)):
            cells += ["%.*f" % (digits, cell[measure]["median"] / unit),
                      "%.2f" % cell[measure]["ratio"]]
        table.row(subject["name"], *cells)
    print()


def run(bench, subjects, todo, nr):
    figures = rounds.compare(bench, subjects, todo, nr)
    for contest in todo:
        show(contest["name"], figures["contests"][contest["name"]], subjects)
    return not rounds.failures(figures)


def measure(bench, options):
    """Prints a table a program. Return: whether none failed."""
    folder = os.path.join(bench.bin, "rust")
    path = bench.env["PATH"]
    plain = ["PATH=%s/plain:%s" % (folder, path)]
    preloaded = [rounds.subject(name, library, plain)
                 for name, library in bench.allocators]
    linked = rounds.subject(LINKED, settings=["PATH=%s/quern:%s" % (folder, path)])
    good = run(bench, preloaded + [linked], contests(bench, folder), options.rounds)
    if shutil.which(os.environ.get("RUSTC", "rustc")):
        good = run(bench, preloaded, [compiler(bench)], options.rounds) and good
    print("Medians of %d rounds. words: reads the sources of lib six times, and counts"
          "\nwords in maps of strings. The sensor pipeline: 4 MB live, 4 million calls."
          "\nrustc: compiles words.rs with -O." % options.rounds)
    return good
