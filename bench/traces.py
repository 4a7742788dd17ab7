# SPDX-License-Identifier: MIT
"""traces.py - records what real programs of the suite ask of malloc.

record.so writes at most so many events of each, in a file that replay reads:
traces.sh.
"""
import os
import subprocess

import suite

PROGRAMS = ("sqlite3", "gawk", "perl", "python3", "jq", "lua", "cc1", "z3",
            "dot", "xmllint")


def chosen(options):
    wanted = options.only.replace(",", " ").split() or PROGRAMS
    return [w for w in suite.programs() if w.name in wanted]


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
        open(path, "w", encoding="ascii").close()
        env = dict(bench.env, **runner.workload.env)
        env["LD_PRELOAD"] = os.path.join(bench.bin, "record.so")
        env["QUERN_TRACE"] = path
        # The first process takes the trace, so nothing may stand before argv
        done = subprocess.run(runner.argv, env=env,
                              cwd=runner.tmp, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode or not os.path.getsize(path):
            os.remove(path)
            bench.progress.say("left out: %s: status %d" % (name,
                                                            done.returncode))
    bench.progress.end()
    return folder
