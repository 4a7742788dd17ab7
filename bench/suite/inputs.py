# SPDX-License-Identifier: MIT
"""inputs.py - makes what the real programs of the suite work on.

Every function writes the input of one or more programs below a directory. All
of it is generated from fixed seeds: nothing is fetched, and it is the same on
every machine.
"""
import os
import subprocess


class Random:
    """Park and Miller's generator: the same numbers wherever it runs."""

    def __init__(self, seed=1):
        self.state = seed

    def below(self, n):
        self.state = self.state * 16807 % 2147483647
        return self.state % n


SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo wu zar ell ith".split()


def words(count, seed=1):
    """Words of one to five syllables; short ones come often."""
    r = Random(seed)
    made = []
    for _ in range(count):
        n = 1 + r.below(2) + r.below(2) + r.below(3) * r.below(2)
        word = "".join(SYLLABLES[r.below(len(SYLLABLES))] for _ in range(n))
        made.append(word + (str(r.below(10)) if r.below(3) else ""))
    return made


def prose(lines, seed=1):
    w = words(lines * 10, seed)
    return [" ".join(w[i:i + 10]) for i in range(0, len(w), 10)]


def write(path, lines):
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


def text(folder):
    write(folder + "/text", prose(18000))
    write(folder + "/short-text", prose(9000, 2))


def records(folder):
    r = Random(3)
    rows = []
    for i in range(18000):
        n = r.below(1 << 30)
        rows.append('{"id":%d,"group":"g%d","tags":["t%d","u%d"],'
                    '"pos":{"x":%.2f,"y":%d}}'
                    % (i, n % 97, n % 7, n % 11, n / 1000, n % 1000))
    write(folder + "/records.json", ["[" + ",\n".join(rows) + "]"])


def xml(folder):
    r = Random(4)
    rows = ["<list>"]
    for i in range(120000):
        n = r.below(1 << 30)
        rows.append('<row id="r%d" group="g%d"><name>n %d &amp; m</name>'
                    '<pos x="%d"/><v>%d</v><v>%d</v></row>'
                    % (i, n % 17, n, n % 99, n % 7, i))
    write(folder + "/document.xml", rows + ["</list>"])


def graph(folder):
    r = Random(5)
    lines = ["digraph g {"]
    for i in range(1, 450):
        lines.append('n%d [label="node %d", shape=%s];'
                     % (i, r.below(1000), "box" if i % 3 else "ellipse"))
        lines.append('n%d -> n%d [label="e%d", weight=%d];'
                     % (r.below(i), i, i, r.below(5) + 1))
        if i % 3 == 0:
            lines.append("n%d -> n%d;" % (r.below(i), i))
    write(folder + "/graph.gv", lines + ["}"])


def postscript(folder):
    lines = ["%!PS"]
    for i, line in enumerate(prose(4000, 6)):
        if i % 60 == 0:
            lines.append("/y 780 def")
        lines.append("/%s findfont %d scalefont setfont"
                     % (("Courier-Bold", "Times-Roman", "Times-Italic")[i % 3],
                        i % 5 + 7))
        lines.append("30 y moveto (%s) show /y y 13 sub def" % line)
        lines.append("gsave %d %d translate %d rotate 0 0 moveto"
                     % (i * 37 % 500, i * 91 % 700, i))
        lines.append("20 { 5 3 rlineto 2 -7 rlineto 9 1 2 8 3 3 rcurveto }"
                     " repeat stroke grestore")
        lines.append("0 1 60 { 20 dict begin /k exch def /s k 20 string cvs "
                     "def [ k s /a s length ] pop end } for")
        if i % 60 == 59:
            lines.append("showpage")
    write(folder + "/pages.ps", lines)


def formulas(folder):
    out = []
    for i in range(1, 26):
        out += ["(push)(declare-const a (_ BitVec 20))"
                "(declare-const b (_ BitVec 20))",
                "(assert (= (bvxor (bvmul a b) (bvlshr a #x00003))"
                " (_ bv%d 20)))" % (i * 7919),
                "(assert (bvult (bvadd a (_ bv%d 20)) b))" % i,
                "(assert (bvugt (bvurem b #x00011) #x00003))(check-sat)(pop)"]
    out.append("(push)")
    for i in range(1, 71):
        out.append("(declare-const x%d Int)(assert (and (> x%d 0) (< x%d 400)))"
                   % (i, i, i))
    for i in range(2, 71):
        out.append("(assert (> (+ x%d (* 2 x%d)) %d))"
                   % (i, i - 1, i * 7 % 50 + 20))
    for i in range(3, 71):
        out.append("(assert (or (< (- x%d x%d) 3) (> x%d (* 3 x%d))))"
                   % (i, i - 2, i, i - 1))
    out.append("(check-sat)(pop)(push)")
    for i in range(1, 9):
        out += ["(declare-const p%d_%d Bool)" % (i, h) for h in range(1, 8)]
        out.append("(assert (or %s))"
                   % " ".join("p%d_%d" % (i, h) for h in range(1, 8)))
        out += ["(assert (not (and p%d_%d p%d_%d)))" % (i, h, j, h)
                for j in range(1, i) for h in range(1, 8)]
    out.append("(check-sat)(pop)(push)(declare-fun m () (Array Int Int))"
               "(declare-fun n () (Array Int Int))")
    for i in range(70):
        out.append("(assert (= (select (store m %d (+ (select n %d) %d)) %d)"
                   " %d))" % (i, i, i, i % 9, i % 9 * 3))
    out.append("(check-sat)(pop)")
    write(folder + "/formulas.smt2", out)


def c_source(folder):
    out = ["#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>"]
    for i in range(110):
        k = i % 7 + 1
        out += ["struct s%d { int a[%d]; struct s%d *next; double d; };"
                % (i, k, i),
                "static int f%d(struct s%d *s, int n)" % (i, i), "{",
                "\tint sum = %d;" % i,
                "\tfor (int i = 0; i < n; i++) {",
                "\t\ts->a[i %% %d] += i * %d;" % (k, i + 3),
                "\t\tswitch (i % 5) {"]
        out += ["\t\tcase %d: sum += s->a[%d] ^ %d; break;"
                % (j, (i + j) % k, i * j) for j in range(4)]
        out += ["\t\tdefault: s->d += sum / %d.0;" % (i + 1), "\t\t}", "\t}"]
        if i > 3:
            out.append("\tif (sum & 1)\n\t\tsum += f%d((struct s%d *)s, n / 2);"
                       % (i - 3, i - 3))
        out += ["\treturn sum + (int)s->d;", "}"]
    out += ["int main(void)", "{", "\tvoid *p = calloc(1, 4096);",
            "\tint sum = 0;"]
    out += ["\tsum = sum * 31 + f%d(p, %d);" % (i, i % 50) for i in range(110)]
    out += ["\tprintf(\"%d\\n\", sum);", "\tfree(p);", "\treturn 0;", "}"]
    write(folder + "/program.c", out)


def cxx_source(folder):
    out = ["#include <%s>" % h for h in
           "algorithm functional iostream map string vector".split()]
    for i in range(25):
        out += ["struct item%d { std::string name; int n[%d]; };" % (i, i + 1),
                "std::map<std::string, item%d> items%d;" % (i, i),
                "int use%d(const std::vector<std::string> &names) {" % i,
                "\tfor (auto &name : names) items%d[name].n[0] += %d;" % (i, i),
                "\tauto most = std::max_element(items%d.begin(), items%d.end(),"
                % (i, i),
                "\t\t[](auto &a, auto &b) { return a.second.n[0] < b.second"
                ".n[0]; });",
                "\tstd::function<int(int)> f = [=](int x) { return x + "
                "most->second.n[0]; };",
                "\treturn f(%d); }" % i]
    write(folder + "/program.cc", out)


def git_commits(files=150, commits=120):
    """A history as git fast-import reads it; each commit changes a few files."""
    r = Random(7)
    body = [prose(30 + r.below(100), 100 + i) for i in range(files)]
    for n in range(commits):
        yield "commit refs/heads/main\n"
        yield "committer A <a@example.org> %d +0000\n" % (10 ** 9 + n * 3600)
        yield "data 9\nchange%03d\n" % n
        changed = range(files) if n == 0 else [r.below(files) for _ in range(9)]
        for i in changed:
            lines = body[i]
            at = r.below(len(lines))
            lines[at:at + r.below(4)] = prose(1 + r.below(4), n * 1000 + i + 1)
            if not lines:
                lines.append("empty")
            content = "\n".join(lines) + "\n"
            yield "M 100644 inline d%d/f%d\ndata %d\n%s" \
                % (i % 20, i, len(content), content)


def redis_commands(folder):
    r = Random(8)
    out = []
    for i in range(60000):
        n = r.below(1 << 30)
        tail = "x" * (n % 60) if i % 5 == 0 else ""
        out += ["HSET h%d f%d %d%s" % (n % 900, i, n, tail),
                "ZADD z%d %d m%d" % (n % 300, n % 1000, i),
                "SET k%d v%d%s" % (n % 20000, n, tail),
                "APPEND k%d %d" % (n % 20000, i),
                "RPUSH l%d %d" % (n % 100, n),
                "DEL k%d" % ((n + 77) % 20000)]
    write(folder + "/commands", out)


def build_rules(folder):
    """For ninja: what is made of one file, and again of what was made."""
    r = Random(9)
    rows = ["rule cc", "  command = cc -c $in -o $out",
            "  description = CC $out"]
    for i in range(20000):
        rows.append("build out/d%d/f%d.o: cc source | %s"
                    % (i % 97, i, " ".join(
                        "out/d%d/f%d.o" % (n % 97, n)
                        for n in (r.below(i) for _ in range(3 if i else 0)))))
    write(folder + "/build.ninja", rows)
    write(folder + "/source", ["all"])


def clauses(folder):
    """Three literals each, about as many as leave one solution."""
    r = Random(10)
    nr = 230
    rows = ["p cnf %d %d" % (nr, nr * 426 // 100)]
    for _ in range(nr * 426 // 100):
        rows.append(" ".join(str((1 + r.below(nr)) * (1 - 2 * r.below(2)))
                             for _ in range(3)) + " 0")
    write(folder + "/clauses.cnf", rows)


def dictionary(folder):
    known = sorted(set(words(60000, 11)))
    write(folder + "/words.aff", ["SET UTF-8", "TRY esianrtolcdugmphbyfvkw",
                                  "SFX S Y 1", "SFX S 0 s ."])
    write(folder + "/words.dic", [str(len(known))] +
          [word + "/S" for word in known])
    write(folder + "/text", prose(18000, 12))


def repository(folder):
    repo = folder + "/repo"
    subprocess.run(["git", "init", "-q", "-b", "main", repo], check=True)
    subprocess.run(["git", "-C", repo, "fast-import", "--quiet"], check=True,
                   input="".join(git_commits()).encode())
    with open(repo + "/.git/config", "a", encoding="ascii") as f:
        f.write("[gc]\n\tauto = 0\n\tautoDetach = false\n"
                "[pack]\n\tthreads = 2\n[core]\n\tfsync = none\n")


def make(name, folder):
    """Make the input called name below folder, once; returns where it is."""
    at = os.path.join(folder, name)
    done = os.path.join(at, ".done")
    if not os.path.exists(done) or \
            os.path.getmtime(done) < os.path.getmtime(__file__):
        subprocess.run(["rm", "-rf", at], check=True)
        os.makedirs(at)
        globals()[name](at)
        open(done, "w", encoding="ascii").close()
    return at
