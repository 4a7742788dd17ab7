# SPDX-License-Identifier: MIT
"""report.py - the tables and plots of what run.py measured.

All ratios are of medians. The mean over workloads is the geometric one; beside
it stands the mean without the workload where an allocator does best and the one
where it does worst, since one odd workload must not decide. The program rounds worked
them out, but for the means of real programs and of patterns apart.
"""
import os
import statistics

import suite
from rounds import failures
from suite import BASE, OURS
from tables import Table, plot as draw

LIMIT = 1.10        # what counts as behind
PATTERNS = {w.name for w in suite.PATTERNS}


def print_suite_table(title, figures, measure, names, unit):
    """unit: what follows the base's name, digits and how much of the measure it is."""
    base, others = names[0], names[1:]
    label, digits, scale = unit
    table = Table(*[-12, 10] + [max(10, len(o) + 2) for o in others] + [0])
    print("\n%s; the others as ratios to %s" % (title, base))
    table.row("", base + label, *others + (["   quern/best peer"]
                                           if OURS in names else []))
    for workload, row in figures["contests"].items():
        if "failed" in row[base]:
            table.row(workload, "-")
            continue
        ratios = ["-" if "failed" in row[n] else
                  "%.3f" % row[n][measure]["ratio"] for n in others]
        rival = figures["rivals"][workload][measure]
        if OURS in names and rival:
            ratios.append("   %5.2f %-9s%s" % (
                rival["ratio"], rival["name"],
                " *" if rival["ratio"] > LIMIT else ""))
        table.row(workload, "%.*f" % (digits, row[base][measure]["median"]
                                      / scale), *ratios)
    means = figures["means"][measure][base]
    for i, label in enumerate(("mean", "mean, inner")):
        if figures["common"]:
            table.row(label, "1", *["%.3f" % means[n][i] for n in others])
    for label, is_pattern in (("programs", False), ("patterns", True)):
        if any((w in PATTERNS) == is_pattern for w in common(figures)):
            table.row(label, "1", *["%.3f" % mean_of(figures, measure, n,
                                                     is_pattern)
                                    for n in others])


def common(figures):
    """Contests that ran under all subjects."""
    return {w: row for w, row in figures["contests"].items()
            if not any("failed" in cell for cell in row.values())}


def mean_of(figures, measure, name, is_pattern):
    """Of real programs, or of the patterns: they are not alike."""
    return statistics.geometric_mean(
        row[name][measure]["ratio"] for w, row in common(figures).items()
        if (w in PATTERNS) == is_pattern)


def behind(figures, measure):
    found = [(rival[measure]["ratio"], workload, rival[measure]["name"])
             for workload, rival in figures["rivals"].items()
             if rival[measure] and rival[measure]["ratio"] > LIMIT]
    return ["%s %.2f (%s)" % (w, r, n) for r, w, n in
            sorted(found, reverse=True)]


def verdict(label, value, goal):
    print("  %-52s %6.3f   goal %.2f %s"
          % (label, value, goal, "met" if value <= goal else "MISSED"))


def print_wrapped(label, items):
    line = "  %s: " % label
    for item in items or ["none"]:
        if len(line) + len(item) > 96:
            print(line)
            line = "    "
        line += item + ("" if item is (items or ["none"])[-1] else ", ")
    print(line)


def summary(figures, names):
    if OURS not in names or len(names) < 2 or not figures["common"]:
        return
    base, cpu = names[0], figures["means"]["cpu"]
    fastest = min((n for n in names if n != OURS), key=lambda n: cpu[base][n])
    print("\nquern, %d workloads, medians of %d rounds"
          % (figures["common"], figures["rounds"]))
    verdict("CPU time, mean, to the fastest peer (%s)" % fastest,
            cpu[fastest][OURS][0], 0.95)
    verdict("the same without its best and worst workload",
            cpu[fastest][OURS][1], 0.95)
    if base == BASE:
        peak = figures["means"]["peak"][base][OURS]
        verdict("peak resident set, mean, to glibc's", peak[0], 0.97)
        verdict("the same without its best and worst workload", peak[1], 0.97)
    print_wrapped("CPU time more than 10 % behind the fastest peer",
                  behind(figures, "cpu"))
    print_wrapped("peak more than 10 % above the leanest peer",
                  behind(figures, "peak"))
    for sentence in failures(figures):
        print("  failed: " + sentence)


def show_suite(results, names):
    machine, figures = results["machine"], results["suite"]
    print("%s, %d cores, Linux %s" % (machine["cpu"], machine["cores"],
                                      machine["kernel"]))
    print_suite_table("CPU time (user and system)", figures, "cpu", names,
                      (" s", 3, 1e6))
    print_suite_table("Peak resident set", figures, "peak", names,
                      (" MB", 1, 1048576))
    summary(figures, names)


def show_waits(waits, names):
    def shares(run):
        if len(run) != 6:
            return "failed"
        return " /".join("%4.0f" % (100.0 * max(run[at], 0) / run[0])
                         for at in (1, 2, 5))

    print("\nResident after a peak of 300 MB was freed, in % of the peak,"
          " at once / after 1 s / after 10 s")
    table = Table(-16, *[16] * len(names))
    table.row("", *names)
    for pattern, runs in waits.items():
        table.row(pattern, *[shares(runs[n]) for n in names])


def show_loops(figures, names):
    def times(cell):
        if "failed" in cell:
            return "failed"
        fastest, mean, middle = (cell[m]["median"]
                                 for m in ("own0", "own1", "own2"))
        return "%.1f %.2f %.2f" % (mean / 1000, mean / fastest,
                                   middle / fastest)

    print("\n64 MB freed and allocated again in a loop: CPU ms of a round"
          " (mean), and mean and median / fastest round")
    table = Table(-16, *[16] * len(names))
    table.row("", *names)
    for pattern, row in figures["contests"].items():
        table.row(pattern, *[times(row[n]) for n in names])


def show_startup(figures):
    """Of each program two contests: as it is, and with what is resident at its end."""
    def cost(program, name):
        contests = figures["contests"]
        return (contests[program][name]["cpu"]["quartile"],
                contests[program + ", resident"][name]["own2"]["median"])

    for sentence in failures(figures):
        print("  failed: " + sentence)
    if failures(figures):
        return
    table = Table(-16, 10, 10)
    print("\nStart-up over no preload at all: CPU, resident at exit")
    for program in figures["contests"]:
        if program.endswith(", resident"):
            continue
        cpu, resident = cost(program, "none")
        print("  %s (%d us, %d KB)" % (program, cpu, resident))
        for name in figures["contests"][program]:
            if name != "none":
                own = cost(program, name)
                table.row("    " + name, "%+d us" % (own[0] - cpu),
                          "%+d KB" % (own[1] - resident))


def show(results):
    names = list(results["allocators"])
    if results.get("suite"):
        show_suite(results, names)
    if results.get("waits"):
        show_waits(results["waits"], names)
    if results.get("loops"):
        show_loops(results["loops"], names)
    if results.get("startup"):
        show_startup(results["startup"])


# --- plots -------------------------------------------------------------------

PLOT = """
set terminal %s
set output "%s"
set grid lc rgb "#dddddd"
set border 3
set tics nomirror
set key off
set offsets graph 0.2, graph 0.2, graph 0.15, graph 0.15
set multiplot layout 1,%d title "Time against footprint: lower and further left is better"
"""
PANEL = """
set title "%d %s"
set xlabel "peak resident set, ratio to %s"
set ylabel "CPU time, ratio to %s"
plot "-" using 2:3 with points pt 7 ps 1.6 lc rgb "#888888", \
     "-" using 2:3 with points pt 7 ps 2.2 lc rgb "#c03020", \
     "-" using 2:3:1 with labels offset 0,1
"""
KINDS = ((False, "real programs"), (True, "memory patterns"))

TERMINALS = (("svg", 'svg size 900,420 font "sans,13" background rgb "white"'),
             ("png", 'pngcairo size 1350,630 font "sans,18"'))


def panel(figures, names, is_pattern, label):
    """One kind of workload: of each allocator a point of geometric means."""
    def data(chosen):
        return "".join('"%s" %.4f %.4f\n' % (
            n, mean_of(figures, "peak", n, is_pattern),
            mean_of(figures, "cpu", n, is_pattern)) for n in chosen) + "e\n"

    nr = sum((w in PATTERNS) == is_pattern for w in common(figures))
    return (PANEL % (nr, label, names[0], names[0])
            + data([n for n in names if n != OURS])
            + data([n for n in names if n == OURS]) + data(names))


def plot(results, folder):
    """time-footprint.svg and .png: real programs and patterns, a panel each."""
    names, figures = list(results["allocators"]), results["suite"]
    kinds = {w in PATTERNS for w in common(figures)}
    panels = [panel(figures, names, is_pattern, label)
              for is_pattern, label in KINDS if is_pattern in kinds]
    if len(names) < 2 or not panels:
        return
    for suffix, terminal in TERMINALS:
        path = os.path.join(folder, "time-footprint." + suffix)
        if not draw(PLOT % (terminal, path, len(panels)) + "".join(panels),
                    path):
            return
