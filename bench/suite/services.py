# SPDX-License-Identifier: MIT
"""services.py - what services with pauses cost: CPU time and memory, at three prices.

A service runs for half a minute, most of which it waits. What is resident is read
every 10 ms. With memory at X GB-seconds for a CPU-second a run costs its CPU time, and
its average resident memory times its length over X. quern runs four times: at its default
price, and with the price set to each of these.
"""
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import suite

PRICES = (7.5, 0.75, 0.075)
STEP = 0.01
PAGE = os.sysconf("SC_PAGE_SIZE")

# name, command, environment
SERVICES = (
    ("bursts", ["{workloads}", "service"], {}),
    ("python3", ["python3", "{programs}/service.py"],
     {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}),
)

TERMINAL = "svg size 900,420 font 'sans,11' background '#ffffff'"
PLOT = """set terminal %s
set output "%s"
set xlabel "seconds"
set ylabel "resident, MB"
set yrange [0:*]
set key outside right top
plot %s
"""


def resident(pid):
    """Bytes, or None once the process has ended."""
    try:
        with open("/proc/%d/statm" % pid, encoding="ascii") as f:
            return int(f.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return None


def subjects(bench):
    """name, library, settings, the prices that its runs stand for."""
    for name, path in bench.allocators:
        if name != suite.OURS:
            yield name, path, None, PRICES
            continue
        yield name, path, None, ()
        for price in PRICES:
            yield "%s, %g" % (name, price), path, "price:%g" % price, (price,)


class Run:
    """CPU seconds, average and peak bytes, seconds, and what it was made of."""

    def __init__(self, argv, env):
        begin = time.monotonic()
        self.points = []
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(argv, env=env, stdout=out)
            while True:
                time.sleep(STEP)
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    break
                now = resident(child.pid)
                if now:
                    self.points.append((time.monotonic() - begin, now))
            child.returncode = status
            out.seek(0)
            self.answer = out.read()
        self.seconds = time.monotonic() - begin
        self.failed = status != 0
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss * 1024
        self.average = statistics.fmean(p[1] for p in self.points) \
            if self.points else 0

    def cost(self, price):
        return self.cpu + self.average * self.seconds / price / 1e9


def environment(bench, path, settings, extra):
    env = dict(bench.env, **extra)
    if path != "-":
        env["LD_PRELOAD"] = path
    if settings:
        env["QUERN_CONF"] = settings
    return env


def show(name, rows):
    print("%-12s%8s%10s%10s" % (name, "CPU s", "average", "peak")
          + "".join("%10s" % ("at %g" % p) for p in PRICES))
    for subject, runs, prices in rows:
        def middle(value):
            return statistics.median(value(r) for r in runs)
        print("%-12s%8.2f%7.0f MB%7.0f MB" % (
            subject, middle(lambda r: r.cpu),
            middle(lambda r: r.average) / 1e6, middle(lambda r: r.peak) / 1e6)
            + "".join("%10.2f" % middle(lambda r, p=p: r.cost(p))
                      if p in prices else "%10s" % "" for p in PRICES))
    print()


def plot(name, rows, folder):
    """Resident memory over time, of each subject's first run."""
    if not shutil.which("gnuplot"):
        print("No plot: gnuplot is missing (apt-get install gnuplot-nox)")
        return
    path = os.path.join(folder, "service-%s.svg" % name)
    curves = ", ".join('"-" with lines title "%s"' % row[0] for row in rows)
    data = "".join("".join("%.2f %.1f\n" % (t, b / 1e6)
                           for t, b in row[1][0].points) + "e\n"
                   for row in rows)
    done = subprocess.run(["gnuplot"], text=True, check=False,
                          input=PLOT % (TERMINAL, path, curves) + data)
    if done.returncode == 0:
        print("SVG: %s\n" % path)


def measure(bench, options):
    """Prints a table a service. Return: whether quern broke none."""
    wanted = options.only.replace(",", " ").split()
    good = True
    for name, argv, extra in SERVICES:
        if wanted and name not in wanted:
            continue
        argv = [a.format(workloads=os.path.join(bench.bin, "workloads"),
                         programs=os.path.join(os.path.dirname(__file__),
                                               "programs")) for a in argv]
        if not shutil.which(argv[0]):
            print("%s is not there: left out" % argv[0])
            continue
        rows = [(s, [], prices) for s, _, _, prices in subjects(bench)]
        answer = None
        for r in range(options.rounds):
            for (subject, path, settings, _), row in zip(subjects(bench), rows):
                bench.progress.show("services", "%s under %s, round %d"
                                    % (name, subject, r + 1), 0)
                run = Run(argv, environment(bench, path, settings, extra))
                answer = answer or run.answer
                if run.failed or run.answer != answer:
                    print("%s under %s failed, or printed something else"
                          % (name, subject))
                    good = False
                row[1].append(run)
        bench.progress.end()
        show(name, rows)
        plot(name, rows, bench.out)
    print("Medians of %d rounds. The last columns are CPU-seconds, with memory at "
          "so many GB-seconds for one." % options.rounds)
    return good
