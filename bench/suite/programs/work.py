# SPDX-License-Identifier: MIT
"""JSON, regular expressions, classes, decimals and sorting."""
import collections
import decimal
import hashlib
import json
import re
import sys
import zlib


class Node:
    def __init__(self, depth, up=None):
        self.up = up
        self.depth = depth
        self.kids = [Node(depth - 1, self) for _ in range(3)] if depth else []

    def count(self):
        return 1 + sum(kid.count() for kid in self.kids)


def main():
    lines = open(sys.argv[1], encoding="ascii").read().splitlines()
    words = collections.Counter(w for line in lines for w in line.split())
    print(len(words), words.most_common(3))
    tree = {}
    for word in words:
        at = tree
        for c in word:
            at = at.setdefault(c, {})
    text = json.dumps(tree, sort_keys=True)
    for _ in range(4):
        assert json.dumps(json.loads(text), sort_keys=True) == text
    print(len(text), hashlib.sha256(text.encode()).hexdigest())
    turned = [re.sub(r"([aeiou])(\w)", r"\2\1", line) for line in lines]
    data = "\n".join(turned).encode()
    print(zlib.crc32(data), len(zlib.compress(data, 1)))
    print(sum(Node(8).count() for _ in range(4)))
    rows = [{"id": i, "name": w, "tags": [w[:2], w[-2:]]}
            for i, w in enumerate(sorted(words))]
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["tags"][0]].append(row)
    print(len(groups), max(len(g) for g in groups.values()))
    decimal.getcontext().prec = 60
    print(sum(decimal.Decimal(1) / i for i in range(1, 30000)))


main()
