# SPDX-License-Identifier: MIT
"""service.py - a worker with load and pauses: it parses, indexes, answers, and waits.

Each request builds a document of some megabytes and drops it. What it prints is the same in
every run.
"""
import json
import time

PAUSES = (0.05, 0.3, 1.0, 3.0, 0.1, 0.05, 0.5)
ROUNDS = 21


def document(n):
    rows = [{"id": i, "name": "row %d" % (i * 7919 % n), "tags": ["t%d" % (i % 97)],
             "pos": {"x": i / 3, "y": i % 1000}} for i in range(n)]
    return json.dumps(rows)


def index(rows):
    found = {}
    for row in rows:
        found.setdefault(row["tags"][0], []).append(row["name"])
    return found


def request(n):
    rows = json.loads(document(n))
    return sum(len(name) for names in index(rows).values() for name in names)


def main():
    total = 0
    for i in range(ROUNDS):
        total += request((60000, 5000, 30000)[i % 3])
        time.sleep(PAUSES[i % len(PAUSES)])
    print(total)


main()
