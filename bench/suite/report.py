# SPDX-License-Identifier: MIT
"""report.py - the tables and plots of what run.py measured.

All ratios are of medians. The mean over workloads is the geometric one; beside
it stands the mean without the workload where an allocator does best and the one
where it does worst, since one odd workload must not decide.
"""
import math
import os
import shutil
import statistics
import subprocess

from suite import BASE, OURS

LIMIT = 1.10        # what counts as behind


def geomean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def trimmed(values):
    """Without the best and the worst one."""
    inner = sorted(values)[1:-1]
    return geomean(inner) if inner else geomean(values)


def medians(results, field):
    """Workload -> allocator -> median."""
    table = {}
    for workload, runs in results["workloads"].items():
        table[workload] = {name: statistics.median(r[field] for r in each)
                           for name, each in runs.items() if each}
    return table


def ratios(table, names, base):
    """Allocator -> ratios to the base, over the workloads that all ran."""
    common = [row for row in table.values() if set(names) <= set(row)]
    return {n: [row[n] / row[base] for row in common] for n in names}


def best_peer(row):
    peers = {n: v for n, v in row.items() if n != OURS}
    name = min(peers, key=peers.get)
    return name, peers[name]


def print_table(title, table, names, base, unit, scale):
    others = [n for n in names if n != base]
    print("\n%s; the others as ratios to %s" % (title, base))
    print("%-12s %9s" % ("", base + unit) + "".join(" %9s" % n
                                                    for n in others)
          + ("   quern/best peer" if OURS in names else ""))
    for workload, row in table.items():
        if base not in row:
            print("%-12s %9s" % (workload, "-"))
            continue
        line = "%-12s %9.*f" % (workload, 3 if scale == 1 else 1,
                                row[base] / scale)
        for n in others:
            line += " %9.3f" % (row[n] / row[base]) if n in row else \
                " %9s" % "-"
        if OURS in row and len(row) > 1:
            name, value = best_peer(row)
            ratio = row[OURS] / value
            line += "   %5.2f %-9s%s" % (ratio, name,
                                         " *" if ratio > LIMIT else "")
        print(line)
    of = ratios(table, names, base)
    for label, mean in ("mean", geomean), ("mean, inner", trimmed):
        if of[base]:
            print("%-12s %9s" % (label, "1") + "".join(
                " %9.3f" % mean(of[n]) for n in others))


def behind(table):
    found = []
    for workload, row in table.items():
        if OURS in row and len(row) > 1:
            name, value = best_peer(row)
            if row[OURS] > LIMIT * value:
                found.append((row[OURS] / value, workload, name))
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


def summary(results, names):
    cpu, peak = medians(results, "cpu"), medians(results, "peak")
    if OURS not in names or len(names) < 2:
        return
    base = BASE if BASE in names else names[0]
    cpu_of = {n: geomean(v) for n, v in ratios(cpu, names, base).items() if v}
    peak_of = ratios(peak, names, base)
    if not cpu_of:
        return
    fastest = min((n for n in names if n != OURS), key=cpu_of.get)
    of = ratios(cpu, names, fastest)[OURS]
    print("\nquern, %d workloads, medians of %d rounds"
          % (len(of), results["rounds"]))
    verdict("CPU time, mean, to the fastest peer (%s)" % fastest,
            geomean(of), 0.95)
    verdict("the same without its best and worst workload", trimmed(of), 0.95)
    if base == BASE:
        verdict("peak resident set, mean, to glibc's", geomean(peak_of[OURS]),
                0.97)
        verdict("the same without its best and worst workload",
                trimmed(peak_of[OURS]), 0.97)
    print_wrapped("CPU time more than 10 % behind the fastest peer",
                  behind(cpu))
    print_wrapped("peak more than 10 % above the leanest peer", behind(peak))
    for what, why in results.get("broken", {}).items():
        print("  failed: %s: %s" % (what, why))


def show_suite(results):
    names = list(results["allocators"])
    base = BASE if BASE in names else names[0]
    machine = results["machine"]
    print("%s, %d cores, Linux %s" % (machine["cpu"], machine["cores"],
                                      machine["kernel"]))
    print_table("CPU time (user and system)", medians(results, "cpu"), names,
                base, " s", 1)
    print_table("Peak resident set", medians(results, "peak"), names, base,
                " MB", 1024)
    summary(results, names)


def show_memory(memory, names):
    def share(run, at):
        return "%4.0f" % (100.0 * max(run[at], 0) / run[0])

    waits = {p: r for p, r in memory.items() if not p.startswith("loop-")}
    if waits:
        print("\nResident after a peak of 300 MB was freed, in % of the peak,"
              " at once / after 1 s / after 10 s")
        print("%-16s" % "" + "".join("%16s" % n for n in names))
        for pattern, runs in waits.items():
            print("%-16s" % pattern + "".join(
                "%16s" % " /".join(share(runs[n], at) for at in (1, 2, 5))
                if len(runs.get(n, [])) == 6 else "%16s" % "failed"
                for n in names))
    loops = {p: r for p, r in memory.items() if p.startswith("loop-")}
    if loops:
        print("\n64 MB freed and allocated again in a loop: CPU ms of a round"
              " (mean), and mean and median / fastest round")
        print("%-16s" % "" + "".join("%16s" % n for n in names))
        for pattern, runs in loops.items():
            print("%-16s" % pattern + "".join(
                "%16s" % ("%.1f %.2f %.2f" % (runs[n][1] / 1000,
                                              runs[n][1] / runs[n][0],
                                              runs[n][2] / runs[n][0]))
                if n in runs else "%16s" % "failed" for n in names))


def show_startup(startup):
    print("\nStart-up over no preload at all: CPU, resident at exit")
    for program, runs in startup.items():
        none = runs["none"]
        print("  %s (%d us, %d KB)"
              % (program, none["cpu_us"], none["resident_kb"]))
        for name, run in runs.items():
            if name != "none":
                print("    %-12s %+6d us %+6d KB"
                      % (name, run["cpu_us"] - none["cpu_us"],
                         run["resident_kb"] - none["resident_kb"]))


def show(results):
    names = list(results["allocators"])
    if results.get("workloads"):
        show_suite(results)
    if results.get("memory"):
        show_memory(results["memory"], names)
    if results.get("startup"):
        show_startup(results["startup"])


# --- plots -------------------------------------------------------------------

PLOT = """
set terminal %s
set output "%s"
set xlabel "peak resident set, geometric mean, ratio to %s"
set ylabel "CPU time, geometric mean, ratio to %s"
set grid lc rgb "#dddddd"
set border 3
set tics nomirror
set key off
set title "Time against footprint, %d workloads: lower and further left is better"
set offsets graph 0.15, graph 0.15, graph 0.1, graph 0.1
plot "-" using 2:3 with points pt 7 ps 1.6 lc rgb "#888888", \
     "-" using 2:3 with points pt 7 ps 2.2 lc rgb "#c03020", \
     "-" using 2:3:1 with labels offset 0,1
"""

TERMINALS = (("svg", 'svg size 720,480 font "sans,13" background rgb "white"'),
             ("png", 'pngcairo size 1080,720 font "sans,19"'))


def points(results):
    names = list(results["allocators"])
    base = BASE if BASE in names else names[0]
    cpu = ratios(medians(results, "cpu"), names, base)
    peak = ratios(medians(results, "peak"), names, base)
    return base, len(cpu[base]), [(n, geomean(peak[n]), geomean(cpu[n]))
                                  for n in names if cpu[n]]


def plot(results, folder):
    """time-footprint.svg and .png: one point an allocator."""
    base, nr, all_points = points(results)
    if not shutil.which("gnuplot"):
        print("\nNo plots: gnuplot is missing (apt-get install gnuplot-nox)")
        return
    if len(all_points) < 2:
        return

    def data(chosen):
        return "".join('"%s" %.4f %.4f\n' % p for p in chosen) + "e\n"

    peers = [p for p in all_points if p[0] != OURS]
    ours = [p for p in all_points if p[0] == OURS]
    for suffix, terminal in TERMINALS:
        path = os.path.join(folder, "time-footprint." + suffix)
        script = PLOT % (terminal, path, base, base, nr) + data(peers) \
            + data(ours) + data(all_points)
        done = subprocess.run(["gnuplot"], input=script, text=True,
                              check=False)
        if done.returncode == 0:
            print("%s: %s" % (suffix.upper(), path))
