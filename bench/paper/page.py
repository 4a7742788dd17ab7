# SPDX-License-Identifier: MIT
"""page.py - the paper repeated, as one page: make paper ends with it, make paper-page makes it alone.

    page.py KEPT RESULTS FOLDER

KEPT is where bench/keep.sh keeps runs, RESULTS is RESULTS.md of the tree, for what was not run
here. FOLDER gets paper.html, whole by itself, and claims.svg, its picture. A block is one
benchmark: its figures, its command, where its run is from. What was run nowhere is said to be so.
"""
import html
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import sections  # noqa: E402
from sections import kept_run, tree_run  # noqa: E402

# J of a policy over the rule's that was aimed at (DECISIONS.md)
DQN_AIM = 0.985
POLICIES = ("dqn", "dqn, no rails", "paper-dqn", "bandit", "tuned", "schedule oracle")

COLOURS = """--ink:#1b1f24;--dim:#5d6670;--line:#d5dae0;--paper:#fff;--shade:#f4f6f8;
--ours:#0b6e4f;--theirs:#b45309;--bad:#b42318"""
DARK = """--ink:#e6e8eb;--dim:#9aa4af;--line:#3a424b;--paper:#16191d;--shade:#1f242a;
--ours:#4cc38a;--theirs:#f0a04b;--bad:#ff8f84"""

STYLE = """
:root{color-scheme:light dark;%s}
@media(prefers-color-scheme:dark){:root{%s}}
*{box-sizing:border-box}
body{margin:0 auto;padding:18px 22px;max-width:1240px;background:var(--paper);color:var(--ink);
font:13px/1.42 system-ui,"DejaVu Sans",sans-serif}
h1{font-size:22px;margin:0}h2{font-size:14.5px;margin:0 0 3px}
p{margin:4px 0}.lead{max-width:150ch}header{margin-bottom:12px}
main{display:grid;grid-template-columns:minmax(0,1.08fr) minmax(0,1fr);gap:12px;align-items:start}
.column{display:grid;gap:12px;min-width:0}
section{border:1px solid var(--line);border-radius:6px;padding:9px 12px;overflow-x:auto}
.from{color:var(--dim);font-size:11.5px;margin:0 0 5px}code{font-size:12px}
table{border-collapse:collapse;width:100%%;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--dim);font-size:11.5px;text-align:right;vertical-align:bottom}
td{text-align:right;border-top:1px solid var(--line)}
th,td{padding:1.5px 0 1.5px 8px}td{white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
tr.ours{background:var(--shade)}tr.ours td:first-child{font-weight:600}
.best{font-weight:700;color:var(--ours)}.lost{color:var(--bad)}
.note{color:var(--dim);font-size:11.5px}.none{color:var(--dim)}
ul{margin:3px 0;padding-left:17px}
svg{display:block;width:100%%;height:auto}
@media(max-width:860px){main{grid-template-columns:1fr}}
@media print{@page{size:A3;margin:9mm}body{max-width:none;padding:0}section{break-inside:avoid}}
""" % (COLOURS.replace("\n", ""), DARK.replace("\n", ""))


def text(value):
    return html.escape(str(value), quote=False)


class Cell:
    """A cell with a mark: "best" or "lost"."""
    def __init__(self, said, mark=""):
        self.said, self.mark = said, mark


def table(head, body, ours=()):
    """ours: names of the rows that are quern's."""
    def cell(value):
        if isinstance(value, Cell):
            return '<td class="%s">%s</td>' % (value.mark, text(value.said))
        return "<td>%s</td>" % text(value)
    lines = ["<table><tr>%s</tr>" % "".join("<th>%s</th>" % text(h) for h in head)]
    for row in body:
        lines.append("<tr%s>%s</tr>" % (' class="ours"' if row[0] in ours else "",
                                        "".join(map(cell, row))))
    return "\n".join(lines) + "</table>"


def note(words):
    return '<p class="note">%s</p>' % text(words)


def items(lines):
    return "<ul>%s</ul>" % "".join("<li>%s</li>" % text(line) for line in lines)


def marked(values, form="%.1f", least=None):
    """Cells of a column; the least is the best."""
    least = min(v for v in values if v is not None) if least is None else least
    return [Cell("–") if v is None else
            Cell(form % v, "best" if v == least else "") for v in values]


# ---- the picture: claims of the paper, and what came of them ----

def spread(buddy, buddy_sd, quern, quern_sd):
    """Two standard deviations of a change in %, by those of both."""
    return 200 * quern / buddy * math.hypot(buddy_sd / buddy, quern_sd / quern)


def bars(found):
    """(what, change, its spread, the paper's change)."""
    bar = []
    for what, buddy, buddy_sd, quern, quern_sd, change, _, _, claim in found["claims"]:
        if " us at" in what:
            continue
        what = what.replace(", instructions", "").replace(", KB", ", 60 KB live")
        if what == "malloc":
            claim = next((c[8] for c in found["claims"] if " us at" in c[0]), None)
        bar.append((what, change, spread(buddy, buddy_sd, quern, quern_sd), claim))
    if found["scaled"]:
        buddy, buddy_sd, quern, quern_sd, change, _, _, claim = found["scaled"]
        bar.insert(1, ("footprint, 95 KB live", float(change),
                       spread(*map(float, (buddy, buddy_sd, quern, quern_sd))), float(claim)))
    return bar


def picture(found):
    bar = bars(found)
    least = min(min(c - s, p or 0) for _, c, s, p in bar)
    most = max(max(c + s, p or 0, 0) for _, c, s, p in bar)
    low, high = 10 * math.floor(least / 10), 10 * math.ceil(most / 10)
    left, right, step = 158, 548, 24
    height = 30 + step * len(bar) + 38

    def x(value):
        return left + (value - low) / (high - low) * (right - left)

    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 %d" role="img" '
           'font-family="system-ui,DejaVu Sans,sans-serif" font-size="12" class="claims">' % height,
           "<title>Change from the buddy system to quern, in %</title>",
           "<style>.claims{%s}@media(prefers-color-scheme:dark){.claims{%s}}"
           ".claims text{fill:var(--ink)}.claims .dim{fill:var(--dim)}</style>"
           % (COLOURS.replace("\n", ""), DARK.replace("\n", "")),
           '<rect width="580" height="%d" fill="var(--paper)"/>' % height]
    for tick in range(low, high + 1, 10):
        out.append('<line x1="%.1f" x2="%.1f" y1="24" y2="%d" stroke="var(--%s)"/>'
                   '<text x="%.1f" y="17" text-anchor="middle" class="dim">%+d %%</text>'
                   % (x(tick), x(tick), height - 38, "dim" if tick == 0 else "line", x(tick), tick))
    for at, (what, change, wide, claim) in enumerate(bar):
        y = 30 + step * at + step / 2
        out.append('<text x="0" y="%.1f">%s</text>' % (y + 4, text(what)))
        out.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="var(--ours)" '
                   'stroke-width="7" stroke-opacity=".35"/>' % (x(0), x(change), y, y))
        out.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="var(--ours)" '
                   'stroke-width="2"/>' % (x(change - wide), x(change + wide), y, y))
        out.append('<circle cx="%.1f" cy="%.1f" r="4.5" fill="var(--ours)"/>' % (x(change), y))
        if claim is not None:
            out.append('<path d="M%.1f %.1fl6 6l-6 6l-6-6z" fill="none" stroke="var(--theirs)" '
                       'stroke-width="2"/>' % (x(claim), y - 6))
    y = height - 14
    out.append('<circle cx="10" cy="%d" r="4.5" fill="var(--ours)"/><text x="20" y="%d">quern over '
               'the buddy system, ± 2 standard deviations</text>' % (y - 4, y))
    out.append('<path d="M360 %dl6 6l-6 6l-6-6z" fill="none" stroke="var(--theirs)" '
               'stroke-width="2"/><text x="372" y="%d">the paper’s claim</text></svg>' % (y - 10, y))
    return "\n".join(out)


# ---- blocks: what each shows of its figures ----

def came_of(change, real, claim):
    if not real:
        return Cell("noise", "lost")
    if claim is None:
        return "no claim"
    return Cell("repeated", "best") if change <= claim else Cell("less", "lost")


def show_claims(found):
    body = []
    for what, buddy, buddy_sd, quern, quern_sd, change, real, was, claim in found["claims"]:
        form = "%.3f" if buddy < 1 else "%.1f"
        body.append([what.replace(" at 168 MHz", "").replace(" factor", "").replace("instructions", "instr."), (form + " ± " + form) % (buddy, buddy_sd),
                     (form + " ± " + form) % (quern, quern_sd),
                     Cell("%+.1f %%" % change, "best" if change < 0 else "lost"),
                     was or "–", "%+.1f %%" % claim if claim else "–",
                     came_of(change, real, claim)])
    if found["scaled"]:
        buddy, buddy_sd, quern, quern_sd, change, was, then, claim = found["scaled"]
        body.insert(1, ["with 95 KB live", "%s ± %s" % (buddy, buddy_sd),
                        "%s ± %s" % (quern, quern_sd), Cell(change + " %", "best"),
                        "%s → %s" % (was, then), claim + " %",
                        came_of(float(change), True, float(claim))])
    return picture(found) + table(
        ["mean ± sd", "buddy", "quern", "change", "the paper", "", ""],
        body) + note("Five trials. Instructions of a call, counted in QEMU; us are these over 168 MHz, no cycles. "
                     "Repeated: beyond noise (paired t test, 5 %) and no less than claimed.")


# Columns of all systems, and how their numbers are written
SYSTEMS = (("footprint KB", "%.1f"), ("malloc", "%.1f"), ("worst", "%.0f"), ("free", "%.1f"),
           ("worst", "%.0f"), ("fragmentation", "%.3f"))


def show_systems(found):
    """Who does not fit into the chip's memory is not compared."""
    names, columns, better = [], [], []
    for name, _, fits in found["systems"]:
        names.append(name if fits else name + " *")
    ours = dict((name, numbers) for name, numbers, _ in found["systems"])["quern"]
    for at, (what, form) in enumerate(SYSTEMS):
        values = [(name, numbers[at], fits) for name, numbers, fits in found["systems"]]
        least = min(v for _, v, fits in values if fits and v is not None)
        columns.append(marked([v for _, v, _ in values], form, least))
        others = ["%s %s" % (name, form % v) for name, v, fits in values if fits and
                  v is not None and v < ours[at] and name != "quern"]
        what = "%s %s" % (SYSTEMS[at - 1][0], what) if what == "worst" else what
        better.append("%s, quern %s: %s" % (what, form % ours[at], ", ".join(others) or "nobody"))
    return table(["the same trials"] + [what for what, _ in SYSTEMS], list(zip(names, *columns)),
                 [n for n in names if n.startswith("quern")]) + \
        "<p>Who is better:</p>" + items(better) + \
        note("Instructions of a call. *: it needs more memory than the chip has, and is not compared. "
             "quern/never: without qn_heap_step(). buddy_f/apart: its waits are not counted.")


def suite_part(found, title):
    body = []
    for name, mean, (low, high) in zip(found["names"], found["means"], found["quartiles"]):
        behind = sum(1 for row in found["rows"] if name == "quern" and row[2] >= 1.1)
        body.append([name, Cell("%.3f" % mean, "best" if mean <= min(found["means"]) else ""),
                     "%.2f – %.2f" % (low, high),
                     "%d of %d" % (behind, len(found["rows"])) if name == "quern" else ""])
    return table([title + " to glibc’s", "mean", "middle half of workloads",
                  "≥ 10 % behind the best"], body, ("quern",))


def show_suite(found):
    lost = []
    for key, what in (("cpu", "CPU time"), ("peak", "peak")):
        worst = sorted(found[key]["rows"], key=lambda row: -row[2])[:5]
        lost.append("%s, quern over the best peer, the five worst: %s" % (what, ", ".join(
            "%s %.2f (%s)" % (row[0], row[2], row[3]) for row in worst)))
    return suite_part(found["cpu"], "CPU time") + suite_part(found["peak"], "Peak") + \
        items(lost + found["goals"]) + \
        note("Geometric means over %d workloads, medians of %d rounds."
             % (len(found["cpu"]["rows"]), found["rounds"]))


def show_services(found):
    body = []
    for program, price, ours, best, name in found["rows"]:
        body.append(["%s at %s" % (program, price), "%.2f" % ours, "%.2f" % best, name,
                     Cell("%.2f" % (ours / best), "best" if ours <= best else "lost")])
    return table(["CPU-seconds at a price", "quern", "cheapest peer", "", "ratio"],
                 body) + note("Services with pauses; a price is GB-seconds of memory for a CPU-second, and "
                              "quern is told it. Peers have their early decay where that is cheaper. Medians of "
                              "%d." % found["rounds"])


def show_traces(found):
    names = [name for name, _ in found]
    columns = [marked([numbers[at] for _, numbers in found]) for at in range(3)]
    return table(["instructions, mean of ten programs", "an allocation", "a free", "any call"],
                 list(zip(names, *columns)), ("quern",))


def show_learning(found):
    body = []
    for name, mean, prices, highest, program, episode in found["policies"]:
        if name in POLICIES:
            body.append([name, Cell("%.3f" % mean, "best" if mean < 1 else "lost"),
                         *["%.3f" % p for p in prices], "%.2f %s" % (highest, program),
                         "%.2f" % episode])
    told = []
    for name, mean, *_ in found["policies"]:
        if name == "dqn":
            told.append("dqn takes %.3f of the rule’s cost; %.3f was aimed at: %s. The rule stays the "
                        "default." % (mean, DQN_AIM, "met" if mean <= DQN_AIM else "MISSED"))
    if found["seeds"]:
        nr, values = found["seeds"]
        told.append("Of %d training seeds, on five small programs: least %.3f, quartiles %.3f, %.3f and "
                    "%.3f." % (nr, *values[:4]))
    if found["device"]:
        told.append("On the microcontroller, over the best fixed setting, with steps (without): %s."
                    % ", ".join("%s %.2f (%.2f)" % row for row in found["device"]))
    return table(["J over the rule’s, programs left out", "all", "at 7.5", "2", "0.75", "0.075",
                  "worst program", "worst"], body) + items(told) + \
        note("J: memory and time at a price. tuned is told no price; the oracle knows the program.")


def show_hints(found):
    body = []
    for label, (peak, cpu) in found:
        body.append([label, "%.1f" % peak, "%.0f" % cpu])
    return table(["phases that leave survivors behind", "peak MB", "CPU ms"], body,
                 [row[0] for row in found if row[0].startswith("quern")])


def show_hints_programs(found):
    def ratio(value):
        return "–" if value is None else Cell("%.3f" % value, "best" if value < 0.995 else
                                              "lost" if value > 1.005 else "")
    return table(["peak with hints, ratio to none", "requests of known size", "classes", "tokens", "both"],
                 [[name, "–" if known is None else "%.0f %%" % known, *map(ratio, ratios)]
                  for name, known, *ratios in found])


def show_hints_firmware(found):
    body = [["seed %d" % (at + 1)] + ["{:,}".format(b) for b in row]
            for at, row in enumerate(found["footprint"])]
    less = [value for _, value in found["less"]]
    return table(["smallest heap of the pipeline, bytes", "neither", "hints", "sampler", "both"],
                 body) + note("Known sizes take %.1f to %.1f instructions off a malloc."
                              % (min(less), max(less)))


# title, command, key of the run, reader, what shows it; the columns of the page
LEFT = (
    ("The founding claims", "make paper", "paper", sections.paper, show_claims),
    ("Every other heap on the microcontroller", "make paper", "paper", sections.paper, show_systems),
    ("Learning", "make bench-learning", "learning", sections.learning, show_learning),
)
RIGHT = (
    ("Linux: the suite", "make bench", "suite", sections.suite, show_suite),
    ("Linux: what memory is worth", "make bench-services", "services", sections.services,
     show_services),
    ("Linux: calls of real programs", "make bench-traces", "traces", sections.traces, show_traces),
    ("What compilers tell: survivors", "make bench-hints", "hints", sections.hints, show_hints),
    ("What compilers tell: real programs", "make bench-hints-programs", "hints-programs",
     sections.hints_programs, show_hints_programs),
    ("What compilers tell the pipeline", "make bench-hints-firmware", "hints-firmware",
     sections.hints_firmware, show_hints_firmware),
)


# ---- in short, at the top of the page ----

def brief_claims(found):
    said = ["%s %+.1f %% (%+.1f %%)" % (what.split(",")[0], change, claim)
            for what, _, _, _, _, change, _, _, claim in found["claims"] if claim is not None]
    return "Claims of the paper, here and (there): %s." % ", ".join(said)


def brief_suite(found):
    said = []
    for key, what in (("cpu", "CPU time"), ("peak", "peak")):
        part = found[key]
        mean, name = min((m, n) for m, n in zip(part["means"], part["names"]) if n != "quern")
        mean, name = (1.0, "glibc") if mean > 1 else (mean, name)
        ours = part["means"][part["names"].index("quern")]
        said.append("%s %.3f of glibc’s (%s %.3f)" % (what, ours, name, mean))
    return "On Linux %s." % ", ".join(said)


def brief_services(found):
    return "Services with pauses: the cheapest in %d of %d." % (
        sum(ours <= best for _, _, ours, best, _ in found["rows"]), len(found["rows"]))


def brief_learning(found):
    return "".join("A trained network takes %.3f of the rule’s cost." % row[1]
                   for row in found["policies"] if row[0] == "dqn")


def brief_programs(found):
    both = [row[3] for row in found if row[3] is not None]
    return "Tokens move the peaks of %d real programs to %.3f – %.3f." % (
        len(both), min(both), max(both))


BRIEFS = {show_claims: brief_claims, show_suite: brief_suite, show_services: brief_services,
          show_learning: brief_learning, show_hints_programs: brief_programs}


def block(kept, results, briefs, machines, title, command, key, read, show):
    run = kept_run(kept, key) or tree_run(results, command)
    if not run:
        said = '<p class="none"><code>%s</code>: not run here</p>' % command
    else:
        found = read(run)
        said = '<p class="from"><code>%s</code>, %s, commit %s; %s</p>\n%s' % (
            command, text(run.date), text(run.commit), "run here" if run.source == "here" else
            "not run here: bench/RESULTS.md", show(found))
        machines.add(run.machine)
        if show in BRIEFS:
            briefs.append(BRIEFS[show](found))
    return "<section><h2>%s</h2>\n%s</section>" % (text(title), said)


def page(kept, results):
    columns, briefs, machines = [], [], set()
    for column in (LEFT, RIGHT):
        blocks = []
        for what in column:
            try:
                blocks.append(block(kept, results, briefs, machines, *what))
            except (sections.Unreadable, ValueError, IndexError) as error:
                sys.exit("page.py: what %s printed cannot be read: %s" % (what[1], error))
        columns.append('<div class="column">%s</div>' % "\n".join(blocks))
    return """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>quern: the founding experiment repeated</title><style>%s</style></head><body>
<header><h1>quern: the founding experiment repeated</h1>
<p class="lead">The founding paper claims that a heap which adapts its granularity takes less memory and
time than a buddy system on a microcontroller. Its claims stand here beside what quern does, beside
other allocators, and beside what learning and compilers bring. Each block names the command that
prints its figures; what is <span class="best">best</span> and what is <span class="lost">lost</span>
is marked.</p>
<p class="lead">%s</p></header>
<main>
%s
</main>
<p class="note">Made by <code>make paper-page</code>, the last step of <code>make paper</code>, from the
last runs. Machines: %s. Counts of instructions and smallest heaps repeat exactly; times move by 2 %% from
run to run, those of single workloads by far more.</p></body></html>
""" % (STYLE, text(" ".join(briefs)), "\n".join(columns), text("; ".join(sorted(machines)) or "none"))


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: page.py KEPT RESULTS FOLDER")
    kept, results, folder = sys.argv[1:]
    made = page(kept, results)
    with open(os.path.join(folder, "paper.html"), "w", encoding="utf-8") as f:
        f.write(made)
    at = made.find("<svg")
    if at >= 0:
        with open(os.path.join(folder, "claims.svg"), "w", encoding="utf-8") as f:
            f.write(made[at:made.index("</svg>") + 6] + "\n")
    print("page: %s" % os.path.join(folder, "paper.html"))


main()
