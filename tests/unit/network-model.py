#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# network-model.py - the results that tests/unit/t-network.c expects, by whole numbers of
# unlimited size and by division, where lib/learn/network.c has 32 bits and shifts. Prints
# the rows of its table `expected`: a row for each of its cases.

import math

HIDDEN, INPUTS, RESULTS = 24, 24, 8

# Seed, bits of a bias, shifts, one weight or input for all (None: random)
CASES = [
    (1, 13, (7, 7, 0), None, None),
    (2, 16, (9, 8, 3), None, None),
    (3, 20, (13, 6, 0), None, None),
    (4, 8, (6, 9, 5), None, None),
    (5, 13, (8, 8, 24), None, None),
    (6, 31, (24, 0, 0), None, None),
    (7, 13, (0, 0, 0), None, None),
    (8, 13, (12, 12, 0), -128, -127),
    (9, 13, (12, 12, 0), 127, 127),
    (10, 13, (10, 9, 1), -128, 127),
]


class Random:
    def __init__(self, seed):
        self.state = seed * 2654435761 % 2**32

    def bits(self, n):
        """The upper n bits, as a signed number"""
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        top = self.state >> (32 - n)
        return top - 2**n if top >= 2 ** (n - 1) else top


def net(seed, bits, weight):
    r = Random(seed)
    layers = []
    for units, width in ((HIDDEN, INPUTS), (HIDDEN, HIDDEN), (RESULTS, HIDDEN)):
        rows = [[r.bits(8) for _ in range(width)] for _ in range(units)]
        if weight is not None:
            rows = [[weight] * width for _ in range(units)]
        layers.append([rows, None])
    for layer in layers:
        layer[1] = [r.bits(bits) for _ in layer[0]]
    return r, layers


def sums(layer, values):
    return [b + sum(w * v for w, v in zip(row, values))
            for row, b in zip(*layer)]


def run(case):
    seed, bits, shifts, weight, value = case
    r, layers = net(seed, bits, weight)
    values = [max(r.bits(8), -127) for _ in range(INPUTS)]
    if value is not None:
        values = [value] * INPUTS
    for layer, shift in zip(layers[:2], shifts):
        values = [min(127, max(0, math.floor(s / 2**shift + 0.5)))
                  for s in sums(layer, values)]
    return [math.floor(s / 2 ** shifts[2]) for s in sums(layers[2], values)]


for case in CASES:
    print("\t{ " + ", ".join(str(n) for n in run(case)) + " },")
