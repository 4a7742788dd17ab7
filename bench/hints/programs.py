# SPDX-License-Identifier: MIT
"""programs.py - what hint records and tokens bring real programs.

    programs.py BUILD ROUNDS NAME...

programs.sh built the programs twice, in BUILD/bench/hints: in records, with hint records, and in
tokens, with those and with calls that have tokens. Three tables:

    coverage  sites by what the compiler knows of their size; requests of one run with a size that
              a record names, to a word: evidence, no proof, since it may come from another site
    settling  what the table cost until it fits: without hints, and with classes from the start
              for the constant sizes in records
    cost      peak and CPU time: as always; with these classes; with tokens; with both
"""
import csv
import json
import os
import subprocess
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "suite"))

import rounds  # noqa: E402
import run  # noqa: E402
import suite  # noqa: E402
from tables import Table  # noqa: E402

# Bounds that are farther apart name no size
NARROW = 256
# Classes that are made from records, and bounds of their sizes: smaller ones have classes
CLASSES = 16
EXACT = 128
LARGEST = 1024
# A file in the folder where a program runs, for QUERN_CONF=tuned:
SIZES = "sizes"
WITH_SIZES = "tuned:%s,policy:rule" % SIZES

# The program's file and its arguments; or a workload of the suite, whose command it is
PROGRAMS = {
    "sqlite3": ("sqlite3/sqlite3", "sqlite3"),
    "redis-server": ("redis/src/redis-server", "redis"),
    "lua": ("lua5.4/src/lua", "lua"),
    "gawk": ("gawk/gawk", "gawk"),
    "ninja": ("ninja-build/ninja", suite.Workload(
        "ninja", ["", "-n", "-C", "{in}"], data="build_rules")),
    "minisat": ("minisat2/solver", suite.Workload(
        "minisat", ["", "-verb=0", "{in}/clauses.cnf"], data="clauses")),
    "hunspell": ("hunspell/src/tools/hunspell", suite.Workload(
        "hunspell", ["", "-l", "-d", "{in}/words", "{in}/text"],
        data="dictionary")),
}


def make_runner(bench, kind, name):
    """The program as it was built with records or with tokens."""
    path, workload = PROGRAMS[name]
    if isinstance(workload, str):
        workload = {w.name: w for w in suite.programs()}[workload]
    path = os.path.join(bench.bin, "hints", kind, path)
    return run.Runner(bench, suite.Workload(
        name + (", tokens" if kind == "tokens" else ""),
        [path] + workload.argv[1:], data=workload.data, env=workload.env,
        prepare=workload.prepare, answer=workload.answer))


def launch(bench, runner, command):
    """Run it once, behind the words of a command of quern's."""
    if runner.workload.prepare:
        subprocess.run(runner.filled(runner.workload.prepare), check=True)
    return subprocess.run(
        [os.path.join(bench.build, "quern")] + command + ["--"] + runner.argv,
        env=dict(bench.env, **runner.workload.env), cwd=runner.tmp,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False)


# ---- what the compiler knows ----

def hints(bench, runner):
    text = subprocess.run([os.path.join(bench.build, "quern"), "hints",
                           "--json", runner.argv[0]], check=True,
                          stdout=subprocess.PIPE).stdout
    return json.loads(text)


def kind_of(record):
    if record["size_min"] == record["size_max"]:
        return "constant"
    if record["size_max"] is not None:
        return "bounded"
    return "element" if record["element"] else "unknown"


def sizes_of(bench, runner):
    """Requests of one run, by size in words of 8 bytes; realloc counts as one."""
    asked = {}
    trace = os.path.join(runner.tmp, ".trace")
    launch(bench, runner, ["record", "-o", trace])
    convert = subprocess.Popen(
        [os.path.join(bench.build, "quern"), "trace", "convert", "--to=csv",
         "-o", "-", trace], stdout=subprocess.PIPE, text=True)
    for row in csv.DictReader(convert.stdout):
        if row["call"].endswith("alloc") or "align" in row["call"]:
            words = (int(row["bytes"]) + 7) // 8
            asked[words] = asked.get(words, 0) + 1
    convert.wait()
    os.unlink(trace)
    return asked


def percent(part, whole):
    return "%.1f %%" % (100 * part / whole if whole else 0)


def show_coverage(bench, runners):
    table = Table(-14, 8, 10, 10, 10, 11, 10, 10)
    print("Sites by what is known of their size, and requests of one run with "
          "a size that\na record names: a constant, or else bounds of at most "
          "%d bytes\n" % NARROW)
    table.row("", "sites", "constant", "bounded", "element", "requests",
              "constant", "bounded")
    for runner in runners:
        found = hints(bench, runner)["records"]
        nr = sum(r["sites"] for r in found)
        known = [percent(sum(r["sites"] for r in found if kind_of(r) == kind),
                         nr) for kind in ("constant", "bounded", "element")]
        asked = sizes_of(bench, runner)
        constant = {(r["size_min"] + 7) // 8 for r in found
                    if kind_of(r) == "constant"}
        spans = [((r["size_min"] + 7) // 8, (r["size_max"] + 7) // 8)
                 for r in found if kind_of(r) == "bounded" and
                 r["size_max"] - r["size_min"] <= NARROW]
        exact = sum(n for s, n in asked.items() if s in constant)
        within = sum(n for s, n in asked.items() if s not in constant and
                     any(a <= s <= b for a, b in spans))
        total = sum(asked.values())
        table.row(runner.workload.name, nr, *known, total,
                  percent(exact, total), percent(within, total))
    print(flush=True)


# ---- until the table fits ----

def write_sizes(bench, runner):
    """Constant sizes that no class serves exactly. Return: how many."""
    found = hints(bench, runner)["granules"]
    found.sort(key=lambda g: -g["weight"])
    own = [g["size"] for g in found if EXACT < g["size"] <= LARGEST and
           (g["size"] + 15) // 16 * 16 < g["served"]][:CLASSES]
    with open(os.path.join(runner.tmp, SIZES), "w", encoding="ascii") as f:
        f.write("quern tuned 1\n")
        f.writelines("class %d\n" % size for size in sorted(set(
            (size + 15) // 16 * 16 for size in own)))
    return len(own)


def settle(bench, runner, conf):
    """Changes of the table, seconds until the last, and waste at the peak."""
    path = os.path.join(runner.tmp, ".report")
    launch(bench, runner, ["run", "--json", "--report=" + path,
                           "--children=none"] +
           (["--conf=" + conf] if conf else []))
    with open(path, encoding="utf-8") as f:
        heaps = json.load(f)["heaps"]
    if not heaps:
        return "-", "-", "-"
    sizes = [c for c in heaps[0]["controller"]["changes"]
             if c["action"] in ("promote", "demote")]
    use = heaps[0]["at_peak"]
    waste = use["internal"]
    return (len(sizes), "%.2f" % sizes[-1]["at_seconds"] if sizes else "-",
            "-" if waste is None else percent(waste, use["live"]))


def show_settling(bench, runners):
    table = Table(-14, 8, 10, 10, 10, 10, 10, 10)
    print("Changes of the table, seconds until the last one, and internal "
          "waste at the peak:\nwithout hints, and with classes from the "
          "start for constant sizes in records\n")
    table.row("", "classes", "changes", "last, s", "waste", "changes",
              "last, s", "waste")
    for runner in runners:
        nr = write_sizes(bench, runner)
        table.row(runner.workload.name, nr, *settle(bench, runner, ""),
                  *(settle(bench, runner, WITH_SIZES) if nr
                    else ("-", "-", "-")))
    print(flush=True)


# ---- what it costs ----

def show_cost(bench, runners, with_classes, nr_rounds):
    library = dict(bench.allocators)[suite.OURS]
    subjects = [rounds.subject("none", library),
                rounds.subject("sizes", library,
                               ["QUERN_CONF=" + WITH_SIZES])]
    figures = rounds.compare(bench, subjects, [r.contest() for r in runners],
                             nr_rounds)
    for sentence in rounds.failures(figures):
        print(sentence)
    for measure, title, unit in (("peak", "Peak resident set, MB", 1 << 20),
                                 ("cpu", "CPU time, ms", 1000)):
        print(title + "; with hints as a ratio to that without, medians of %d"
              % nr_rounds + "\n")
        table = Table(-14, 12, 12, 12, 12)
        table.row("", "no hints", "classes", "tokens", "both")
        for name in [r.workload.name for r in runners]:
            if name.endswith(", tokens"):
                continue
            cells = [rounds.median(figures, n, s, measure)
                     for n in (name, name + ", tokens")
                     for s in ("none", "sizes")]
            if None in cells:
                continue
            ratios = ["%.3f" % (c / cells[0]) for c in cells[1:]]
            if name not in with_classes:
                ratios = ["-", ratios[1], "-"]
            table.row(name, "%.1f" % (cells[0] / unit), *ratios)
        print(flush=True)


def main():
    build, nr_rounds, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    bench = run.Bench(types.SimpleNamespace(
        build=build, out=None, library=None, allocators=suite.OURS,
        peers=[]))
    # redis-client.sh: the one that belongs to the server
    bench.env["PATH"] = "%s:%s" % (os.path.join(
        bench.bin, "hints/records/redis/src"), bench.env["PATH"])
    try:
        runners = [make_runner(bench, "records", name) for name in names]
        with_tokens = [make_runner(bench, "tokens", name) for name in names]
        show_coverage(bench, runners)
        show_settling(bench, runners)
        with_classes = [r.workload.name for r in runners + with_tokens
                        if write_sizes(bench, r)]
        show_cost(bench, [r for pair in zip(runners, with_tokens)
                          for r in pair], with_classes, nr_rounds)
    finally:
        bench.close()


main()
