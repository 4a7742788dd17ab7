# SPDX-License-Identifier: MIT
"""sections.py - figures out of what benchmarks printed, for page.py: one reader for each.

A reader takes the lines of a run and returns figures. Where a run has other lines than its reader
knows, Unreadable says which: a page must not leave out what it does not understand.
"""
import os
import re

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?$")


class Unreadable(Exception):
    """What a run lacks."""


class Run:
    """The lines of one run, and where it comes from.

    source: "here" (kept in the build directory), "tree" (bench/RESULTS.md)
    """
    def __init__(self, source, date, commit, machine, lines):
        self.source, self.date, self.commit = source, date, commit
        self.machine = machine
        while lines and not lines[0].strip():
            lines = lines[1:]
        self.lines = lines

    def behind(self, pattern):
        """The lines behind the first that matches."""
        for at, line in enumerate(self.lines):
            if re.search(pattern, line):
                return self.lines[at + 1:]
        raise Unreadable("no line with '%s'" % pattern)


def kept_run(folder, key):
    path = os.path.join(folder, key)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        head, _, body = f.read().partition("\n\n")
    said = dict(line.split(" ", 1) for line in head.splitlines() if " " in line)
    return Run("here", said.get("date", "?"), said.get("commit", "?"),
               said.get("machine", "?"), body.splitlines())


def tree_run(results, command):
    """The section of RESULTS.md whose run was by that command."""
    head = re.compile(r"`%s`, (\S+), commit (.*); (.*)\.$" % re.escape(command))
    found, lines = None, []
    try:
        with open(results, encoding="utf-8") as f:
            text = f.read().splitlines()
    except FileNotFoundError:
        return None
    for line in text:
        if line.startswith("## ") and found:
            break
        match = head.match(line)
        if match:
            found = match.groups()
        elif found:
            lines.append(line[4:] if line.startswith("    ") else line)
    return Run("tree", *found, lines) if found else None


def rows(lines, has=1):
    """Name and numbers of the lines that have so many numbers, up to one that has none behind them."""
    found = []
    for line in lines:
        words = line.split()
        numbers = []
        while words and NUMBER.match(words[-1]):
            numbers.insert(0, float(words.pop().replace(",", "")))
        if len(numbers) >= has and words:
            found.append((" ".join(words), numbers))
        elif found:
            break
    if not found:
        raise Unreadable("no rows of %d numbers" % has)
    return found


def quartiles(values):
    values = sorted(values)

    def at(part):
        place = part * (len(values) - 1)
        low = int(place)
        high = min(low + 1, len(values) - 1)
        return values[low] + (values[high] - values[low]) * (place - low)
    return at(0.25), at(0.75)


# ---- make paper ----

CLAIM = re.compile(
    r"^(\S.*?)(?: \*)?\s+([\d.]+) \+-([\d.]+)\s+([\d.]+) \+-([\d.]+)\s+([-+][\d.]+) %  ?(yes|no)"
    r"(?:\s+([\d.]+) -> ([\d.]+)\s+([-+][\d.]+) %)?$")


def paper(run):
    """claims: (what, buddy, its sd, quern, its sd, change, is real, the paper's words and change);
    scaled: the same of the paper's size; systems: (name, numbers by column, whether it fits)."""
    claims = []
    for line in run.lines:
        match = CLAIM.match(line)
        if match:
            what, *numbers, real, was, then, change = match.groups()
            claims.append((what, *map(float, numbers), real == "yes",
                           "%s → %s" % (was, then) if was else "",
                           float(change) if change else None))
    if len(claims) < 5:
        raise Unreadable("%d claims" % len(claims))
    text = "\n".join(run.lines)
    scaled = re.search(r"buddy +([\d.]+) KB \+- ([\d.]+)\n +quern +([\d.]+) KB \+- ([\d.]+)\n"
                       r".*takes ([-+][\d.]+) %; the paper: (\S+) -> (\S+) KB, ([-+][\d.]+) %", text)
    systems = []
    for line in run.behind(r"^ +KB +mean +max +mean +max +factor"):
        words = line.split()
        if len(words) < 5:
            break
        numbers = [None if w == "-" else float(w) for w in words[1:7]
                   if w == "-" or NUMBER.match(w)]
        # Who is a setting of another row has no footprint of its own
        if len(numbers) == 5:
            numbers.insert(0, None)
        systems.append((words[0], numbers + [None] * (6 - len(numbers)), "not enough" not in line))
    if not systems:
        raise Unreadable("no table of all systems")
    return {"claims": claims, "systems": systems,
            "scaled": scaled.groups() if scaled else None}


# ---- make bench, bench-services, bench-traces ----

def rounds_of(run):
    rounds = re.search(r"[Mm]edians of (\d+) rounds", "\n".join(run.lines))
    return int(rounds[1]) if rounds else 1


def suite_table(lines):
    names = lines[0].split("quern/best")[0].split()[2:]
    table, means = [], {}
    for line in lines[1:]:
        words = line.replace("mean, inner", "mean-inner").split()
        if not words:
            break
        if words[0].startswith("mean"):
            means[words[0]] = [float(w) for w in words[2:]]
            continue
        if means:                   # programs and patterns, each alone
            continue
        ratios = [float(w) for w in words[2:2 + len(names)]]
        table.append((words[0], ratios, float(words[2 + len(names)]), words[3 + len(names)]))
    if not table or "mean" not in means or len(means["mean"]) != len(names):
        raise Unreadable("no table of the suite")
    return {"names": names, "means": means["mean"], "rows": table,
            "quartiles": [quartiles([r[1][i] for r in table]) for i in range(len(names))]}


def suite(run):
    """cpu, peak: names, means and quartiles of ratios to glibc, rows (workload, ratios, quern over
    the best peer, its name); goals: lines of the summary."""
    goals = [line.strip() for line in run.lines if re.search(r"goal [\d.]+", line)]
    return {"cpu": suite_table(run.behind(r"^CPU time .*ratios to glibc")),
            "peak": suite_table(run.behind(r"^Peak resident set; .*ratios to glibc")),
            "goals": goals, "rounds": rounds_of(run)}


def services(run):
    """rows: (program, price, cost of quern, that of the cheapest peer, its name); rounds."""
    found, prices, program, peers, ours = [], [], None, [], {}

    def finish():
        for at, price in enumerate(prices):
            if price in ours and peers:
                cost, name = min((costs[at], name) for name, costs in peers)
                found.append((program, price, ours[price], cost, name))

    for line in run.lines:
        head = re.match(r"(\S+) +CPU s +average +peak((?: +at [\d.]+)+)", line)
        if head:
            finish()
            program, prices = head.group(1), re.findall(r"at ([\d.]+)", head.group(2))
            peers, ours = [], {}
            continue
        row = re.match(r"(\S+(?:, \S+)?) +[\d.]+ +\d+ MB +\d+ MB *(.*)$", line)
        if row:
            costs = [float(w) for w in row.group(2).split()]
            if row.group(1).startswith("quern, ") and costs:
                ours[row.group(1)[7:]] = costs[-1]
            elif len(costs) == len(prices) and not row.group(1).startswith("quern"):
                peers.append((row.group(1), costs))
    finish()
    if not found:
        raise Unreadable("no services")
    return {"rows": found, "rounds": rounds_of(run)}


def traces(run):
    """names, and instructions of an allocation, a free, any call: means over programs."""
    names = [re.sub(r"^lib(?=[^c])|_minimal", "", n) for n in run.lines[0].split()[1:]]
    for line in run.lines:
        words = line.split()
        if words and words[0] == "mean" and len(words) == 1 + 3 * len(names):
            numbers = [float(w) for w in words[1:]]
            return [("glibc" if n == "libc" else n, numbers[3 * i:3 * i + 3])
                    for i, n in enumerate(names)]
    raise Unreadable("no means of traces")


# ---- make bench-learning ----

def learning(run):
    """policies: (name, all, by price, highest program and its name, highest episode); seeds: the
    same dqn by training seed; device: (name, J with steps, J without)."""
    lines = run.behind(r"^policy +all \|")
    policies = []
    for line in lines:
        match = re.match(r"(\S.*?) +([\d.]+) \|((?: +[\d.]+){4}) \| +([\d.]+) (\S+) +([\d.]+)", line)
        if not match:
            break
        policies.append((match[1], float(match[2]), [float(w) for w in match[3].split()],
                         float(match[4]), match[5], float(match[6])))
    if not policies:
        raise Unreadable("no policies")
    text = "\n".join(run.lines)
    seeds = re.search(r"within the rails +(\d+)((?: +[\d.]+){5})", text)
    device = []
    for line in run.lines:
        match = re.match(r"(rule|bandit|dqn) +((?:[\d.]+ +){6})\|((?: +[\d.]+){4})$", line)
        if match:
            device.append((match[1], float(match[2].split()[3]), float(match[3].split()[2])))
    return {"policies": policies, "device": device,
            "seeds": (int(seeds[1]), [float(w) for w in seeds[2].split()]) if seeds else None}


# ---- make bench-hints ----

def hints(run):
    """(label, peak MB, CPU ms) of the phases."""
    return rows(run.behind(r"^Phases that leave one object"), 2)


def hints_programs(run):
    """(program, share of requests of a constant size, peak with classes, with tokens, with both),
    a ratio to no hints; None where it has no classes."""
    known = {}
    for line in run.behind(r"^ +sites +constant"):
        match = re.match(r"(\S+) +\d+(?: +[\d.]+ %){3} +\d+ +([\d.]+) %", line)
        if not match:
            break
        known[match[1]] = float(match[2])
    found = []
    for line in run.behind(r"^Peak resident set, MB"):
        match = re.match(r"(\S+) +[\d.]+((?: +(?:[\d.]+|-)){3})$", line)
        if match:
            found.append((match[1], known.get(match[1]),
                          *[None if w == "-" else float(w) for w in match[2].split()]))
        elif found:
            break
    if not found:
        raise Unreadable("no peaks of programs")
    return found


def hints_firmware(run):
    """less: instructions less a malloc, by level and seed; footprint: bytes by seed without either,
    with hints, with the sampler, with both."""
    less = [(m[1], float(m[2])) for m in
            (re.match(r"-(O\S+), seed \d+ .* ([-\d.]+)$", line) for line in run.lines) if m]
    footprint = [[int(w.replace(",", "")) for w in line.split()[2:]]
                 for line in run.lines if re.match(r"seed \d+ +[\d,]+", line)]
    if not less or not footprint:
        raise Unreadable("no footprint of the pipeline")
    return {"less": less, "footprint": footprint}
