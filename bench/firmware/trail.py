# SPDX-License-Identifier: MIT
"""trail.py - for where.py and paths.py: an image that runs in QEMU instruction by
instruction, and the functions that addresses lie in."""
import os
import re
import shutil
import subprocess
import sys

ADDRESS = re.compile(r"\[[0-9a-f]+/([0-9a-f]+)/")


def die(text):
    sys.exit("%s: %s" % (os.path.basename(sys.argv[0]), text))


def need_image(path):
    if not os.access(path, os.R_OK):
        die("cannot read %s: make bench-firmware builds it" % path)


def tool(name, package):
    found = shutil.which(name)
    if not found:
        die("%s not found (Debian: apt-get install %s)" % (name, package))
    return found


def functions(image):
    """Start addresses and names, in order"""
    nm = tool(os.environ.get("ARM_NM", "arm-none-eabi-nm"),
              "binutils-arm-none-eabi")
    lines = subprocess.run([nm, image], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    found = sorted((int(line.split()[0], 16) & ~1, line.split()[2])
                   for line in lines if line.split()[1] in "tTwW")
    return [f[0] for f in found], [f[1] for f in found]


def start(image, words, log, folder=None, options=()):
    """The emulator, which writes a line an instruction to the file log"""
    qemu = tool(os.environ.get("QEMU_SYSTEM_ARM", "qemu-system-arm"),
                "qemu-system-arm")
    config = "enable=on,target=native," + ",".join(
        "arg=" + w for w in ["replay"] + words)
    return subprocess.Popen(
        [qemu, "-M", "mps2-an386", "-nographic", "-serial", "null",
         "-monitor", "none", "-icount", "shift=8,align=off,sleep=off",
         "-singlestep", "-d", "exec,nochain", "-D", log, *options,
         "-semihosting-config", config, "-kernel", image],
        cwd=folder, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE)


def end(run):
    """What the image printed"""
    said = run.communicate()[0]
    if run.returncode:
        die("the image ended with status %d" % run.returncode)
    return said


def addresses(log):
    """Of each instruction in the file"""
    with open(log, encoding="ascii") as lines:
        for line in lines:
            match = ADDRESS.search(line)
            if match:
                yield int(match[1], 16)
