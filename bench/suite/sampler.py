# SPDX-License-Identifier: MIT
"""sampler.py - what sampling and learning cost real programs, in instructions.

Callgrind counts each program twice: as it runs by default, and with samples a
gigabyte apart and a policy that changes nothing. "own" is what was executed in
and below the sampler's functions, so it has sampling, the profile and the
decisions. "difference" is that of the two runs: it has as well what the cut
lists cost, what the learned table changed, and what a program does otherwise
because its blocks lie elsewhere (tables that are sorted by addresses: lua's). slow-clock.so makes up for
callgrind's slowness, so that the controller looks about as often as in a plain run.
"""
import os
import re
import subprocess

from tables import Table

AIM = 0.1
PROGRAMS = ("sqlite3", "gawk", "python3", "lua", "jq")
OFF = "policy:fixed,sample:1G,seed:1"
ON = "seed:1"
# What sampling enters by, and what it is entered from when it is on its way
ENTRIES = {"class_limit_due", "qn_local_sample", "hand_in_samples",
           "qn_hub_learn", "medium_sample", "qn_follow_free",
           "qn_follow_resize"}
INSIDE = ENTRIES | {"qn_local_sample_note"}
NAME = re.compile(r"c?fn=(\(\d+\))(?: (.*))?$")


def chosen(options, workloads):
    wanted = options.only.replace(",", " ").split() or PROGRAMS
    return [w for w in workloads if w.name in wanted]


def stem(name):
    """gcc's parts of a function go by its name."""
    return name.split(".")[0].split("'")[0]


def own(path):
    """Instructions in and below the sampler's functions, and of all."""
    names, total, ours = {}, 0, 0
    caller = called = ""
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            found = NAME.match(line.rstrip("\n"))
            if found:
                if found.group(2):
                    names[found.group(1)] = stem(found.group(2))
                if line[0] == "c":
                    called = names[found.group(1)]
                else:
                    caller = names[found.group(1)]
            elif line.startswith("calls="):
                cost = int(next(f).split()[-1])
                if called in ENTRIES and caller not in INSIDE:
                    ours += cost
            elif line.startswith(("summary:", "totals:")):
                total = int(line.split()[1])
    return ours, total


def callgrind(bench, runner, conf, more=()):
    """What callgrind writes of a run with these settings, and libraries."""
    out = os.path.join(runner.tmp, ".callgrind")
    env = dict(bench.env, **runner.workload.env)
    env["LD_PRELOAD"] = ":".join((bench.allocators[-1][1], os.path.join(
        bench.bin, "slow-clock.so"), *more))
    env["QUERN_CONF"] = conf
    done = subprocess.run(
        ["setarch", "-R", "valgrind", "-q", "--tool=callgrind",
         "--callgrind-out-file=" + out] + runner.argv, env=env,
        cwd=runner.tmp, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip())
    return out


def measure(bench, runners):
    """Prints a row a program; returns whether any was counted."""
    worst = 0
    table = Table(-10, 17, 17, 14, 11, 10)
    table.row("", "sampler off", "sampler on", "difference", "own", "share")
    for i, runner in enumerate(runners):
        bench.progress.show("counting", runner.workload.name,
                            i / len(runners))
        try:
            _, off = own(callgrind(bench, runner, OFF))
            ours, on = own(callgrind(bench, runner, ON))
        except (OSError, RuntimeError) as error:
            bench.progress.say("left out: %s: %s" % (runner.workload.name,
                                                     error))
            continue
        worst = max(worst, 100 * ours / on)
        table.row(runner.workload.name, f"{off:,}", f"{on:,}",
                  f"{on - off:,}", f"{ours:,}", "%.3f %%" % (100 * ours / on))
    bench.progress.end()
    if not worst:
        return False
    print("\nInstructions, counted by callgrind. The dearest share is %.3f %%,"
          " aimed at is %.1f %%: %s." % (worst, AIM, "reached" if worst <= AIM
                                         else "missed"))
    return True
