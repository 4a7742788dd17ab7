# SPDX-License-Identifier: MIT
"""tables.py - how the suite prints: tables of text, and plots."""
import shutil
import subprocess


class Table:
    """A list of widths, the blanks between columns included.

    A negative width puts the cell to the left; with width 0 a column is as wide as its
    cell. A row is a list of texts, and may end before the last column.
    """

    def __init__(self, *widths):
        self.widths = widths

    def row(self, *cells):
        print("".join("%*s" % (width, cell) for width, cell
                      in zip(self.widths, cells)).rstrip(), flush=True)


def plot(script, path):
    """Has gnuplot write a file and says which. Return: whether there is a gnuplot."""
    if not shutil.which("gnuplot"):
        print("No plot: gnuplot is missing (apt-get install gnuplot-nox)")
        return False
    done = subprocess.run(["gnuplot"], input=script, text=True, check=False)
    if done.returncode == 0:
        print("%s: %s" % (path.rsplit(".", 1)[1].upper(), path))
    return True
