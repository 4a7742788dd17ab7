# SPDX-License-Identifier: MIT
"""run.py - compares quern with other allocators on the suite of suite.py.

What runs in rounds is given to the program rounds, which is the harness that quern demo
has, too: every workload runs once a round under every allocator, and what is compared
is the median. Every run must print what the first one printed: an allocator that breaks
a program does not take part in the comparison of it.
"""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import footprint  # noqa: E402
import guard  # noqa: E402
import hard  # noqa: E402
import inputs  # noqa: E402
import policies  # noqa: E402
import recorders  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
import rust  # noqa: E402
import sampler  # noqa: E402
import services  # noqa: E402
import suite  # noqa: E402
import threads  # noqa: E402
import traces  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def fail(message):
    sys.exit("bench: " + message)


class Progress:
    """One line on stderr: rewritten on a terminal, else one for each stage."""

    def __init__(self):
        self.live = sys.stderr.isatty()
        self.start = time.monotonic()
        self.stage = None

    def show(self, stage, detail, part):
        spent = time.monotonic() - self.start
        left = spent / part - spent if part > 0 else 0
        if self.live:
            sys.stderr.write("\r\033[Kbench: %s, %s; %s, about %s to go"
                             % (stage, detail, clock(spent), clock(left)))
        elif stage != self.stage:
            sys.stderr.write("bench: %s; %s\n" % (stage, clock(spent)))
        self.stage = stage
        sys.stderr.flush()

    def say(self, message):
        sys.stderr.write(("\r\033[K" if self.live else "") + "bench: "
                         + message + "\n")

    def end(self):
        if self.live:
            sys.stderr.write("\r\033[K")


def clock(seconds):
    return "%d:%02d" % (seconds // 60, seconds % 60)


class Bench:
    """Where things are, and the environment in which programs run."""

    def __init__(self, options):
        self.build = os.path.abspath(options.build)
        self.bin = os.path.join(self.build, "bench")
        self.out = os.path.abspath(options.out or self.bin)
        self.work = tempfile.mkdtemp(prefix="quern-bench.")
        self.inputs = os.path.join(self.bin, "in")
        self.progress = Progress()
        self.allocators, missing = suite.allocators(
            os.path.abspath(options.library
                            or os.path.join(self.build, "libquern.so")))
        self.allocators[-1:-1] = [self.named(path) for path in options.peers]
        if options.allocators:
            wanted = options.allocators.split(",")
            unknown = set(wanted) - {n for n, _ in self.allocators}
            if unknown:
                fail("no allocator called %s here; there are: %s"
                     % (", ".join(sorted(unknown)),
                        ", ".join(n for n, _ in self.allocators)))
            self.allocators = [(n, p) for n, p in self.allocators
                               if n in wanted]
        for peer in missing:
            self.progress.say("not compared: " + peer)
        for what in ("workloads", "memory", "measure", "rounds"):
            if not os.access(os.path.join(self.bin, what), os.X_OK):
                fail("%s/%s is missing: run make bench, which builds it"
                     % (self.bin, what))
        for name, path in self.allocators:
            if path != "-" and not os.path.exists(path):
                fail("%s: %s is missing: build it, or name another by "
                     "--library" % (name, path))
        self.env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": self.work,
            "TERM": "dumb", "GIT_CONFIG_NOSYSTEM": "1",
        }
        if "QUERN_CONF" in os.environ:
            self.env["QUERN_CONF"] = os.environ["QUERN_CONF"]

    def named(self, path):
        """A library that the user gave, and what it says that it is."""
        full = os.path.realpath(path)
        quern = os.path.join(self.build, "quern")
        if not os.path.exists(full):
            fail("--with: there is no %s" % path)
        if not os.access(quern, os.X_OK):
            fail("%s is missing: run make" % quern)
        answer = subprocess.run(
            [quern, "compare", "--which"], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(os.environ, LD_PRELOAD=full)).stdout
        name, version, file = (answer.strip("\n").split("\t") + [""] * 3)[:3]
        if file != full:
            fail("--with: %s does not become malloc when it is preloaded"
                 % path)
        name = name + "-" + version if version else name
        taken = {n for n, _ in self.allocators}
        while name in taken:
            name += "'"
        return name, full

    def environment(self, library):
        return dict(self.env, **({} if library == "-" else
                                 {"LD_PRELOAD": library}))

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)


class Runner:
    """One workload, ready to run under any allocator."""

    def __init__(self, bench, workload):
        self.bench = bench
        self.workload = workload
        self.tmp = os.path.join(bench.work, workload.name)
        os.makedirs(self.tmp)
        folder = ""
        if workload.data:
            folder = inputs.make(workload.data, bench.inputs)
        self.names = {
            "in": folder, "tmp": self.tmp, "bench": HERE,
            "programs": os.path.join(HERE, "programs"),
            "workloads": os.path.join(bench.bin, "workloads"),
        }
        self.argv = self.filled(workload.argv)

    def filled(self, argv):
        return [arg.format(**self.names) for arg in argv]

    def lacks(self):
        """What keeps it from running here, or None."""
        if shutil.which(self.argv[0], path=self.bench.env["PATH"]):
            return None
        package = self.workload.package
        return "%s is missing (apt-get install %s)" % (self.argv[0], package)

    def contest(self, **more):
        answer = self.workload.answer
        return rounds.contest(
            self.bench, self.workload.name, self.argv, **dict(
                {"dir": self.tmp,
                 "set": ["%s=%s" % p for p in self.workload.env.items()],
                 "prepare": self.filled(self.workload.prepare or ()),
                 "answer": answer and answer.format(**self.names)}, **more))


def choose(options):
    workloads = suite.PATTERNS + suite.programs()
    if options.only:
        names = options.only.replace(",", " ").split()
        known = {w.name for w in workloads}
        # a name without its number of threads means all of them
        stems = {n.rsplit("-", 1)[0] for n in known if n[-1].isdigit()}
        unknown = set(names) - known - stems
        if unknown:
            fail("no workload called %s; there are:\n  %s"
                 % (", ".join(sorted(unknown)), " ".join(sorted(known))))
        return [w for w in workloads if w.name in names
                or w.name.rsplit("-", 1)[0] in names and w.name[-1].isdigit()]
    return [w for w in workloads if w.quick or not options.quick]


def prepare(bench, workloads):
    runners = []
    for i, workload in enumerate(workloads):
        bench.progress.show("making inputs", workload.name, 0)
        try:
            runner = Runner(bench, workload)
            lacks = runner.lacks()
        except (OSError, subprocess.CalledProcessError) as error:
            lacks = str(error)
        if lacks:
            bench.progress.say("left out: %s: %s" % (workload.name, lacks))
        else:
            runners.append(runner)
    return runners


def run_suite(bench, options):
    runners = prepare(bench, choose(options))
    if not runners:
        fail("there is nothing to run")
    return rounds.compare(bench, rounds.allocators(bench),
                          [r.contest() for r in runners], options.rounds)


def describe_machine():
    model = ""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(),
            "kernel": platform.release(), "system": platform.platform()}


def save(bench, what, results):
    os.makedirs(bench.out, exist_ok=True)
    name = "results" if what in ("all", "suite") else what
    path = os.path.join(bench.out, name + ".json")
    with open(path, "w", encoding="ascii") as f:
        json.dump(results, f, indent=1)
        f.write("\n")
    return path


def parse():
    p = argparse.ArgumentParser(
        prog="run.py", description="Compare quern with other allocators.")
    p.add_argument("what", choices=("all", "suite", "memory", "startup",
                                    "report", "record", "peers", "sampler",
                                    "threads", "list", "recorders",
                                    "services", "policies", "rust", "hard",
                                    "guard"),
                   help="all: suite, memory and startup; report: print an "
                   "earlier run's tables again; record: traces of real "
                   "programs; recorders: what recording costs, beside "
                   "heaptrack; peers: print the libraries; sampler: what "
                   "sampling costs real programs; threads: CPU time of one "
                   "and more threads; services: CPU time and memory of "
                   "services with pauses, at three prices; policies: the same "
                   "services by policy of quern, with and without pressure; "
                   "rust: programs in Rust, preloaded and linked with quern; "
                   "hard: what the hardened mode costs real programs; "
                   "guard: what guarded samples cost them")
    p.add_argument("--build", default=".", metavar="DIR",
                   help="where libquern.so and bench/ were built (default .)")
    p.add_argument("--library", metavar="FILE",
                   help="another libquern.so than the one in the build")
    p.add_argument("--out", metavar="DIR", help="where results.json and the "
                   "plots go (default bench/ in the build)")
    p.add_argument("--rounds", type=int, default=5, metavar="N",
                   help="default 5")
    p.add_argument("--quick", action="store_true",
                   help="a third of the workloads, three rounds")
    p.add_argument("--only", metavar="NAMES", default="",
                   help="these workloads, memory patterns alike")
    p.add_argument("--allocators", metavar="NAMES",
                   help="these allocators, separated by commas")
    p.add_argument("--with", metavar="FILES", dest="peers", default="",
                   help="more allocators: libraries, separated by commas")
    options = p.parse_args()
    options.peers = [f for f in options.peers.split(",") if f]
    if options.quick:
        options.rounds = min(options.rounds, 3)
    if not 1 <= options.rounds <= rounds.MOST:
        fail("--rounds: give a number from 1 to %d" % rounds.MOST)
    return options


def measure_all(bench, options, results):
    if options.what in ("all", "suite"):
        results["suite"] = run_suite(bench, options)
    whole = options.what == "all" and not options.only
    if whole or options.what == "memory":
        results["waits"] = footprint.waits(bench, options)
        results["loops"] = footprint.loops(bench, options)
    if whole or options.what == "startup":
        results["startup"] = footprint.startup(bench, options)


def main():
    options = parse()
    if options.what == "list":
        for workload in suite.PATTERNS + suite.programs():
            print(workload.name)
        return 0
    bench = Bench(options)
    try:
        if options.what == "peers":
            for name, path in bench.allocators:
                print(path)
            return 0
        if options.what == "record":
            traces.record(bench, prepare(bench, traces.chosen(options)))
            return 0
        if options.what == "recorders":
            recorders.show(bench, prepare(bench, recorders.chosen(options)),
                           options.rounds)
            return 0
        if options.what == "threads":
            threads.measure(bench, options)
            return 0
        if options.what == "services":
            return 0 if services.measure(bench, options) else 1
        if options.what == "rust":
            return 0 if rust.measure(bench, options) else 1
        if options.what == "policies":
            return 0 if policies.measure(bench, options) else 1
        if options.what == "hard":
            runners = prepare(bench, hard.chosen(options))
            return 0 if hard.measure(bench, runners, options) else 1
        if options.what in ("sampler", "guard"):
            if not shutil.which("valgrind"):
                fail("valgrind is missing: apt-get install valgrind")
        if options.what == "sampler":
            runners = prepare(bench, sampler.chosen(options, suite.programs()))
            return 0 if sampler.measure(bench, runners) else 1
        if options.what == "guard":
            runners = prepare(bench, guard.chosen(options, suite.programs()))
            return 0 if guard.measure(bench, runners, options.rounds) else 1
        if options.what == "report":
            with open(os.path.join(bench.out, "results.json"),
                      encoding="ascii") as f:
                results = json.load(f)
        else:
            results = {"machine": describe_machine(),
                       "allocators": dict(bench.allocators)}
            measure_all(bench, options, results)
            path = save(bench, options.what, results)
        report.show(results)
        if options.what in ("all", "suite", "report"):
            report.plot(results, bench.out)
        if options.what != "report":
            print("All figures: " + path)
        contests = results.get("suite", {"contests": {}})["contests"]
        return 1 if any("failed" in row.get(suite.OURS, {})
                        for row in contests.values()) else 0
    except FileNotFoundError as error:
        fail(str(error))
    finally:
        bench.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nbench: interrupted")
