# SPDX-License-Identifier: MIT
"""policies.py - policies on live programs: services with pauses under quern, by policy.

Ways to run: alone; with less address space than the rule needs and a half (RLIMIT_AS); with
simulated pressure, which swings between none and much; six at once under one limit, simulated as
well. A simulation is a folder in place of /proc: knob pressure_root. A cgroup with memory.high is
used where there is one to be had.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import rounds
import services
import suite
from tables import Table

POLICIES = ("rule", "fixed", "bandit", "dqn", "paper-dqn")
GROUP = 6
# Of what six took without a limit; and how long a look at the sum lasts
PART = 0.6
LOOK = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
TEXT = ("some avg10=%.2f avg60=0.00 avg300=0.00 total=0\n"
        "full avg10=%.2f avg60=0.00 avg300=0.00 total=0\n")


class Pressure:
    """A folder that tells of stalls, as Linux would; say() sets the share of time."""

    def __init__(self, folder):
        self.root = tempfile.mkdtemp(dir=folder)
        self.path = os.path.join(self.root, "proc/pressure/memory")
        os.makedirs(os.path.dirname(self.path))
        self.say(0)

    def say(self, percent):
        with open(self.path + ".new", "w", encoding="ascii") as f:
            f.write(TEXT % (percent, percent / 4))
        os.rename(self.path + ".new", self.path)


class Swing(threading.Thread):
    """None for three seconds, much for two, over and over."""

    def __init__(self, pressure):
        super().__init__(daemon=True)
        self.pressure = pressure
        self.done = threading.Event()

    def run(self):
        for percent in [0, 60] * 100000:
            self.pressure.say(percent)
            if self.done.wait(2 if percent else 3):
                return


def named(bench, more=""):
    library = dict(bench.allocators)[suite.OURS]
    return [rounds.subject(name, library,
                           ["QUERN_CONF=policy:%s%s" % (name, more)])
            for name in POLICIES]


def commands(bench, options):
    wanted = options.only.replace(",", " ").split()
    here = os.path.dirname(__file__)
    for name, argv, extra in services.SERVICES:
        argv = [a.format(workloads=os.path.join(bench.bin, "workloads"),
                         programs=os.path.join(here, "programs"), suite=here)
                for a in argv]
        if wanted and name not in wanted:
            continue
        if not shutil.which(argv[0]):
            print("%s is not there: left out" % argv[0])
            continue
        yield name, argv, extra


def contest(bench, name, argv, extra):
    return rounds.contest(bench, name, argv, watched=True,
                          set=["%s=%s" % pair for pair in extra.items()])


def show(way, figures):
    """Medians, as ratios to the rule's in the same rounds."""
    table = Table(-26, -12, 9, 9, 9, 10, 10)
    table.row(way, "policy", "CPU s", "average", "peak", "J at 2", "of rule")
    for name, row in figures["contests"].items():
        base = None
        for policy in POLICIES:
            cell = row[policy]
            if "failed" in cell:
                table.row(name, policy, "failed")
                continue
            cpu, average, peak, wall = (
                cell[m]["median"] for m in ("cpu", "own0", "peak", "wall"))
            cost = cpu / 1e6 + average / 1e9 * wall / 1e6 / 2
            base = base or cost
            table.row(name, policy, "%.2f" % (cpu / 1e6),
                      "%.0f MB" % (average / 1e6), "%.0f MB" % (peak / 1e6),
                      "%.2f" % cost, "%.3f" % (cost / base))
    print(flush=True)


# ---- six at once ----

def resident(pid):
    try:
        with open("/proc/%d/statm" % pid, encoding="ascii") as f:
            return int(f.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def run_group(bench, policy, argv, extra, limit):
    """CPU seconds, average and peak of the sum, and what was beyond the limit, in B s."""
    pressure = Pressure(bench.work)
    library = dict(bench.allocators)[suite.OURS]
    env = dict(bench.env, LD_PRELOAD=library, QUERN_CONF=(
        "policy:%s,pressure_root:%s" % (policy, pressure.root)), **extra)
    before = os.times()
    running, total, peak, beyond, looks = [], 0, 0, 0, 0
    start = time.monotonic()
    while len(running) < GROUP or any(p.poll() is None for p in running):
        if len(running) < GROUP and \
                time.monotonic() - start >= 0.7 * len(running):
            running.append(subprocess.Popen(
                argv, env=env, cwd=bench.work, stdout=subprocess.DEVNULL))
        now = sum(resident(p.pid) for p in running)
        if limit:
            pressure.say(min(max((now / limit - 0.75) * 400, 0), 99))
            beyond += max(now - limit, 0) * LOOK
        total += now
        peak = max(peak, now)
        looks += 1
        time.sleep(LOOK)
    after = os.times()
    if any(p.returncode for p in running):
        sys.exit("bench: %s failed under policy %s" % (argv[0], policy))
    cpu = (after.children_user + after.children_system
           - before.children_user - before.children_system)
    return cpu, total / max(looks, 1), peak, beyond


def measure_groups(bench, options):
    table = Table(-26, -16, 9, 9, 9, 14)
    table.row("%d at once" % GROUP, "policy", "CPU s", "average", "peak",
              "beyond, GB s")
    for name, argv, extra in commands(bench, options):
        # Who is no child of ours is not seen
        if name == "redis":
            continue
        free = run_group(bench, "rule", argv, extra, 0)
        table.row(name + ", no limit", "rule", "%.2f" % free[0],
                  "%.0f MB" % (free[1] / 1e6), "%.0f MB" % (free[2] / 1e6), "")
        for policy in ("rule,pressure:0",) + POLICIES:
            runs = sorted(run_group(bench, policy, argv, extra,
                                    free[2] * PART)
                          for _ in range(options.rounds))
            cpu, average, peak, beyond = runs[len(runs) // 2]
            table.row(name, policy, "%.2f" % cpu, "%.0f MB" % (average / 1e6),
                      "%.0f MB" % (peak / 1e6), "%.2f" % (beyond / 1e9))
    print(flush=True)


# ---- all ----

def cgroup():
    """A new cgroup with memory.high, or None and why."""
    for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        path = os.path.join(base, "quern-bench-%d" % os.getpid())
        try:
            os.mkdir(path)
        except OSError:
            continue
        if os.path.exists(os.path.join(path, "memory.high")):
            return path
        os.rmdir(path)
    return None


def measure_cgroup(bench, options, limits):
    path = cgroup()
    if not path:
        print("No cgroup with memory.high can be made here (it takes version 2 "
              "with the memory controller,\nand the right to make one): left "
              "out.\n", flush=True)
        return
    for name, argv, extra in commands(bench, options):
        with open(path + "/memory.high", "w", encoding="ascii") as f:
            f.write("%d\n" % (limits[name] * PART))
        inside = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', path]
        show("cgroup, memory.high", rounds.compare(
            bench, named(bench), [contest(bench, name, inside + argv, extra)],
            options.rounds))
    os.rmdir(path)


def measure(bench, options):
    """Prints a table for each way. Return: whether quern broke no program."""
    figures = rounds.compare(
        bench, named(bench), [contest(bench, *c) for c in
                              commands(bench, options)], options.rounds)
    good = not rounds.failures(figures)
    show("alone", figures)
    peaks = {name: row["rule"]["peak"]["median"] for name, row in
             figures["contests"].items() if "failed" not in row["rule"]}
    # Address space of the program itself, and of blocks: what node maps is beyond that
    limited = [(name, ["prlimit", "--as=%d" % (peaks[name] * 3 + (1 << 29))]
                + argv, extra) for name, argv, extra in
               commands(bench, options) if name in ("bursts", "python3")]
    if limited:
        show("RLIMIT_AS", rounds.compare(
            bench, named(bench), [contest(bench, *c) for c in limited],
            options.rounds))
    pressure = Pressure(bench.work)
    swing = Swing(pressure)
    swing.start()
    show("simulated pressure", rounds.compare(
        bench, named(bench, ",pressure_root:" + pressure.root),
        [contest(bench, *c) for c in commands(bench, options)],
        options.rounds))
    swing.done.set()
    measure_cgroup(bench, options, peaks)
    measure_groups(bench, options)
    print("Medians of %d rounds, in which policies take turns. J is CPU-seconds, "
          "with memory at 2 GB-seconds for one." % options.rounds)
    return good
