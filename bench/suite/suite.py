# SPDX-License-Identifier: MIT
"""suite.py - what is compared: the allocators and the workloads.

A workload is a command with a fixed amount of work. {in} in it stands for the
folder of its input, {tmp} for one that is empty at the start, {programs} for
bench/programs.
"""
import glob
import os
import shutil
import subprocess

LIBRARY_FOLDERS = ("/usr/lib/*-linux-gnu", "/lib/*-linux-gnu", "/usr/lib64",
                   "/usr/lib", "/usr/local/lib")
BASE = "glibc"
OURS = "quern"

# name, file, Debian package
PEERS = (
    ("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
    ("mimalloc", "libmimalloc.so.2.0", "libmimalloc2.0"),
    ("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
)


class Workload:
    def __init__(self, name, argv, data=None, prepare=None, env=None,
                 quick=False, answer=None, package=None):
        self.name = name
        self.argv = argv
        self.data = data            # function of inputs.py
        self.prepare = prepare      # command before each run
        self.env = env or {}
        self.quick = quick          # belongs to the quick subset
        self.answer = answer        # file to compare instead of stdout
        self.package = package      # where its program comes from


def synthetic(name, threads=None, quick=False):
    title = name if threads is None else "%s-%d" % (name, threads)
    argv = ["{workloads}", name] + ([str(threads)] if threads else [])
    return Workload(title, argv, quick=quick)


def compiler_pass(name):
    """cc1 or cc1plus: gcc knows where they are."""
    gcc = shutil.which("gcc")
    if not gcc:
        return name
    return subprocess.run([gcc, "-print-prog-name=" + name], text=True,
                          stdout=subprocess.PIPE, check=False).stdout.strip()


def multiarch():
    gcc = shutil.which("gcc")
    if not gcc:
        return ""
    return subprocess.run([gcc, "-print-multiarch"], text=True,
                          stdout=subprocess.PIPE, check=False).stdout.strip()


PATTERNS = [
    synthetic("pair"),
    synthetic("lifo"),
    synthetic("fifo"),
    synthetic("mix", 1),
    synthetic("mix", 4),
    synthetic("sizes", 1, quick=True),
    synthetic("sizes", 2),
    synthetic("phases", quick=True),
    synthetic("leak"),
    synthetic("nodes"),
    synthetic("aligned"),
    synthetic("symbols"),
    synthetic("trees"),
    synthetic("bignum"),
    synthetic("documents", quick=True),
    synthetic("cache"),
    synthetic("vectors"),
    synthetic("strings", quick=True),
    synthetic("large"),
    synthetic("huge"),
    synthetic("calloc"),
    synthetic("server", 1),
    synthetic("server", 2, quick=True),
    synthetic("server", 8),
    synthetic("larson", 2),
    synthetic("producer", 2, quick=True),
    synthetic("producer", 4),
    synthetic("handoff", 4, quick=True),
    synthetic("exchange", 4),
    synthetic("thrash", 2),
    synthetic("scratch", 2),
    synthetic("threads"),
    synthetic("crowd"),
]


def programs():
    return [
        Workload("gs", ["gs", "-q", "-dSAFER", "-dNOPAUSE", "-dBATCH",
                        "-sDEVICE=png16m", "-r40", "-o", "/dev/null",
                        "{in}/pages.ps"], data="postscript",
                 package="ghostscript"),
        Workload("z3", ["z3", "-smt2", "{in}/formulas.smt2"], data="formulas",
                 quick=True, package="z3"),
        Workload("lua", ["lua5.4", "{programs}/work.lua"], quick=True,
                 package="lua5.4"),
        Workload("sqlite3", ["sqlite3", ":memory:",
                             ".read {programs}/work.sql"], quick=True,
                 package="sqlite3"),
        Workload("gawk", ["gawk", "-f", "{programs}/work.awk", "{in}/text"],
                 data="text", package="gawk"),
        Workload("python3", ["python3", "{programs}/work.py",
                             "{in}/short-text"], data="text", quick=True,
                 env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
                 package="python3"),
        Workload("perl", ["perl", "{programs}/work.pl", "{in}/short-text"],
                 data="text", env={"PERL_HASH_SEED": "0"}, quick=True,
                 package="perl"),
        Workload("jq", ["jq", "-c", "-f", "{programs}/work.jq",
                        "{in}/records.json"], data="records", package="jq"),
        Workload("cc1", [compiler_pass("cc1"), "-quiet", "-O2",
                         "-imultiarch", multiarch(), "{in}/program.c", "-o",
                         "-"], data="c_source",
                 env={"GCC_COLORS": ""}, quick=True, package="gcc"),
        Workload("cc1plus", [compiler_pass("cc1plus"), "-quiet", "-O1",
                             "-imultiarch", multiarch(), "-D_GNU_SOURCE",
                             "{in}/program.cc", "-o", "-"],
                 data="cxx_source", package="g++"),
        Workload("redis", ["redis-server", "--port", "0", "--unixsocket",
                           "{tmp}/redis.sock", "--save", "", "--daemonize",
                           "no", "--loglevel", "warning", "--dir", "{tmp}",
                           "--enable-debug-command", "local"],
                 data="redis_commands", answer="{tmp}/answer",
                 prepare=["{bench}/redis-client.sh", "{tmp}",
                          "{in}/commands"], package="redis-server"),
        Workload("git-log", ["git", "-C", "{in}/repo", "log", "--stat", "-p",
                             "-M"], data="repository", package="git"),
        Workload("git-gc", ["git", "-C", "{in}/repo", "gc", "--aggressive",
                            "--quiet", "--prune=now"], data="repository",
                 package="git"),
        Workload("node", ["node", "{programs}/work.js"], package="nodejs"),
        Workload("ruby", ["ruby", "--disable-gems", "{programs}/work.rb"],
                 package="ruby"),
        Workload("php", ["php", "-n", "{programs}/work.php"],
                 env={"USE_ZEND_ALLOC": "0"}, package="php-cli"),
        Workload("xmllint", ["xmllint", "--noout", "--xpath",
                             'count(//row[@group="g3"]/v[. > 3])',
                             "{in}/document.xml"], data="xml",
                 package="libxml2-utils"),
        Workload("dot", ["dot", "-Tplain", "{in}/graph.gv"], data="graph",
                 package="graphviz"),
    ]


def library(name):
    for folder in LIBRARY_FOLDERS:
        found = sorted(glob.glob(os.path.join(folder, name)))
        if found:
            return found[0]
    return None


def allocators(quern):
    """Pairs of name and library, the base first, quern last; and what lacks.

    The C library's own malloc is preloaded like the others, since some programs
    are linked with another allocator (Debian's redis-server with jemalloc).
    """
    found = [(BASE, library("libc.so.6") or "-")]
    missing = []
    for name, file, package in PEERS:
        path = library(file)
        if path:
            found.append((name, path))
        else:
            missing.append("%s (apt-get install %s)" % (name, package))
    return found + [(OURS, quern)], missing
