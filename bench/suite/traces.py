# SPDX-License-Identifier: MIT
"""traces.py - records what real programs of the suite ask of malloc.

Every program runs under quern record; the traces go to bench/traces/ in the build
directory, where traces.sh and whoever wants to replay them find them.
"""
import os
import subprocess

import suite

# Those whose calls are counted; --only names others
PROGRAMS = ("sqlite3", "gawk", "perl", "python3", "jq", "lua", "cc1", "z3",
            "dot", "xmllint")


def chosen(options):
    wanted = options.only.replace(",", " ").split() or PROGRAMS
    if wanted == ["all"]:
        return suite.programs()
    return [w for w in suite.programs() if w.name in wanted]


def run(bench, runner, path):
    env = dict(bench.env, **runner.workload.env)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
             "env": env, "cwd": runner.tmp, "check": False}
    if runner.workload.prepare:
        subprocess.run(runner.filled(runner.workload.prepare),
                       stderr=subprocess.DEVNULL, **quiet)
    return subprocess.run([os.path.join(bench.build, "quern"), "record", "-o",
                           path, "--"] + runner.argv, stderr=subprocess.PIPE,
                          encoding="utf-8", errors="replace", **quiet)


def record(bench, runners):
    """One trace a program; returns the folder in which they are."""
    folder = os.path.join(bench.bin, "traces")
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        os.remove(os.path.join(folder, old))
    for i, runner in enumerate(runners):
        name = runner.workload.name
        bench.progress.show("recording", name, i / len(runners))
        path = os.path.join(folder, name + ".trace")
        done = run(bench, runner, path)
        said = [line.replace("quern: ", "").replace(path + ": ", "")
                for line in done.stderr.splitlines()
                if line.startswith("quern: ")]
        if done.returncode or not os.path.exists(path):
            bench.progress.say("left out: %s: status %d" % (name,
                                                            done.returncode))
            if os.path.exists(path):
                os.remove(path)
        else:
            print("%-10s %s" % (name, "; ".join(said)), flush=True)
    bench.progress.end()
    return folder
