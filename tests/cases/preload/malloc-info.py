# SPDX-License-Identifier: MIT
"""malloc-info.py GLIBC OURS - has the second file the form of the first?

Each element has the same attributes and stands in the same place; free sizes may differ
in number, and what glibc does not have comes last.
"""
import sys
import xml.etree.ElementTree as tree


def form(element):
    """The element's tag, its attributes with type, and its children's forms"""
    attributes = [(a, v if a in ("type", "version", "nr") else int(v) >= 0)
                  for a, v in element.attrib.items()]
    if element.tag == "sizes":
        return element.tag
    return [element.tag, attributes] + [form(e) for e in element]


glibc, ours = (tree.parse(name).getroot() for name in sys.argv[1:])
want, have = form(glibc), form(ours)
assert have[:len(want)] == want, "\n%s\n%s" % (want, have)

for size in ours.iter("size"):
    n = {a: int(v) for a, v in size.attrib.items()}
    assert list(n) == ["from", "to", "total", "count"], n
    assert n["from"] <= n["to"] and n["total"] >= n["from"] * n["count"] > 0, n
for one in ours.iter("unsorted"):
    assert list(one.attrib) == ["from", "to", "total", "count"], one.attrib

value = {(e.tag, e.get("type")): int(e.get("size")) for e in ours if e.get("size")}
count = {e.get("type"): int(e.get("count")) for e in ours if e.get("count")}
free = sum(int(e.get("total")) for e in ours.find("heap/sizes"))
known = value["total", "fast"] + value["total", "rest"]
assert free <= known <= value["system", "current"] <= value["system", "max"]
assert value["total", "mmap"] >= 5 << 20 and count["mmap"] == 1
assert count["rest"] >= 400
assert 2500000 < value["system", "current"] - known < 2800000
print("fine")
