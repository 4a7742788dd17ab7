#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bounds.py - is the time of each call of the heap bounded, and how much stack does it take?

Reads the disassembly of an image that has the firmware's archive, and a list of what is known
(bounds.txt). From the roots that the list names it follows every call and jump, and says:

 - each loop that the list does not have: an edge of the control flow that leads back;
 - calls that lead back to where they come from;
 - calls through pointers, and functions of others, that the list does not have;
 - bytes of stack at the deepest point of each root, held against the list.

A loop is named by the innermost function of the source that has all of it: gcc inlines as it
likes. Exit status: 0 all is known, 1 something is not, 2 the input cannot be read.

usage: bounds.py [--list] OBJDUMP ADDR2LINE IMAGE LIST
"""
import os
import re
import subprocess
import sys

CONDS = 'eq ne cs hs cc lo mi pl vs vc hi ls ge lt gt le'.split()


def fail(text):
    print('bounds.py: ' + text, file=sys.stderr)
    sys.exit(2)


class Insn:
    def __init__(self, addr, op, args):
        self.addr, self.op, self.args = addr, op, args
        self.succ = []
        self.calls = []    # (address, is it a jump)
        self.through = False
        self.returns = False

    def base(self):
        return self.op.split('.')[0]


class Function:
    def __init__(self, name, addr):
        self.name, self.addr = name, addr
        self.insns = []
        self.data = {}
        self.by_addr = {}

    def end(self):
        last = max([i.addr for i in self.insns] + list(self.data))
        return last + 2


def read_image(objdump, image):
    text = subprocess.run([objdump, '-d', '--no-show-raw-insn', image], check=True,
                          capture_output=True, text=True).stdout
    functions, current = [], None
    for line in text.splitlines():
        m = re.match(r'^([0-9a-f]+) <(\S+)>:$', line)
        if m:
            current = Function(m[2], int(m[1], 16))
            functions.append(current)
            continue
        m = re.match(r'^\s*([0-9a-f]+):\t(\S+)(?:\t(.*))?$', line)
        if not m or not current:
            continue
        addr, op, args = int(m[1], 16), m[2], (m[3] or '').split('@')[0].split(';')[0].strip()
        if op in ('.word', '.short', '.byte', '.hword', '.4byte', '.2byte'):
            value, n = int(args.split()[0], 16), {'w': 4, '4': 4, 'b': 1}.get(op[1], 2)
            for i in range(n):
                current.data[addr + i] = value >> 8 * i & 255
            continue
        current.insns.append(Insn(addr, op, args))
    return [f for f in functions if f.insns]


def target(args):
    m = re.search(r'\b([0-9a-f]+) <', args)
    return int(m[1], 16) if m else None


def is_conditional(op, names):
    """Is op one of names with a condition behind it?"""
    return any(op == n + c for n in names for c in CONDS)


def leaves(insn):
    """Does it return: is pc among what it loads, or is it bx lr?"""
    base, args = insn.base(), insn.args
    name = re.sub('(' + '|'.join(CONDS) + ')$', '', base)
    if name == 'bx':
        return args == 'lr'
    if name in ('pop', 'ldmia', 'ldm', 'ldmfd'):
        return bool(re.search(r'\{.*\bpc\}', args))
    if name in ('ldr', 'mov'):
        return args.startswith('pc,')
    return False


def table(function, insn):
    """Targets of tbb and tbh, whose table is behind them."""
    size = 2 if insn.base() == 'tbh' else 1
    at, targets = insn.addr + 4, []
    while all(at + i in function.data for i in range(size)):
        value = sum(function.data[at + i] << 8 * i for i in range(size))
        to = insn.addr + 4 + 2 * value
        if value and to in function.by_addr:
            targets.append(to)
        at += size
    return targets or fail('%s: a table of jumps that cannot be read' % function.name)


def link(function):
    """Successors of each instruction, and what it calls."""
    function.by_addr = {i.addr: i for i in function.insns}
    first, end = function.addr, function.end()
    for k, insn in enumerate(function.insns):
        base, goes_on = insn.base(), True
        to = target(insn.args)
        if base in ('bl', 'blx') or is_conditional(base, ['bl', 'blx']):
            if to is None:
                insn.through = True
            else:
                insn.calls.append((to, False))
        elif base in ('cbz', 'cbnz') or base == 'b' or is_conditional(base, ['b']):
            goes_on = base != 'b'
            if first <= to < end:
                insn.succ.append(to)
            else:
                insn.calls.append((to, True))
        elif base in ('tbb', 'tbh'):
            insn.succ += table(function, insn)
            goes_on = False
        elif leaves(insn):
            insn.returns = True
            goes_on = not re.fullmatch('bx|pop|ldmia|ldm|ldmfd|ldr|mov', base)
        elif base == 'bx':
            insn.through = insn.returns = True
            goes_on = False
        elif base == 'udf':
            goes_on = False
        if goes_on and k + 1 < len(function.insns):
            insn.succ.append(function.insns[k + 1].addr)


def comes_back(function, lost):
    """Does it return, where those that are lost do not?"""
    seen, todo = set(), [function.addr]
    while todo:
        addr = todo.pop()
        if addr in seen:
            continue
        seen.add(addr)
        insn = function.by_addr[addr]
        if insn.returns or any(jump and to not in lost for to, jump in insn.calls):
            return True
        todo += insn.succ
    return False


def cut_lost(functions):
    """Nothing follows a call of a function that never returns."""
    lost = set()
    while True:
        more = [f for f in functions if f.addr not in lost and not comes_back(f, lost)]
        if not more:
            return
        lost |= {f.addr for f in more}
        for f in functions:
            for insn in f.insns:
                if insn.base() == 'bl' and any(to in lost for to, _ in insn.calls):
                    insn.succ = []


def back_edges(function):
    """Edges to an instruction that the search is still in."""
    edges, state, stack = [], {}, [(None, iter([function.addr]))]
    while stack:
        node, rest = stack[-1]
        for to in rest:
            if to not in state:
                state[to] = 1
                stack.append((to, iter(function.by_addr[to].succ)))
                break
            if state[to] == 1:
                edges.append((node, to))
        else:
            if node is not None:
                state[node] = 2
            stack.pop()
    return edges


def body(function, source, header):
    """The instructions of a loop: those that lead to its back edge without its header."""
    before = {}
    for insn in function.insns:
        for to in insn.succ:
            before.setdefault(to, []).append(insn.addr)
    inside, todo = {header, source}, [source]
    while todo:
        node = todo.pop()
        if node == header:
            continue
        for b in before.get(node, []):
            if b not in inside:
                inside.add(b)
                todo.append(b)
    return inside


class Lines:
    """Which functions of the source an address belongs to, outermost first."""

    def __init__(self, addr2line, image):
        self.command = [addr2line, '-i', '-f', '-a', '-e', image]
        self.known = {}

    def look_up(self, addrs):
        addrs = [a for a in addrs if a not in self.known]
        if not addrs:
            return
        out = subprocess.run(self.command, input=''.join('%x\n' % a for a in addrs), check=True,
                             capture_output=True, text=True).stdout.splitlines()
        current, k = None, 0
        while k < len(out):
            if out[k].startswith('0x'):
                current = self.known.setdefault(int(out[k], 16), [])
                k += 1
                continue
            place = out[k + 1].split(':')[0]
            place = re.sub(r'^.*/((lib|embedded)/)', r'\1', os.path.normpath(place))
            current.insert(0, place + ' ' + out[k])
            k += 2

    def common(self, addrs):
        """The innermost function that all addresses belong to."""
        self.look_up(addrs)
        chains = [self.known[a] for a in addrs if self.known[a]]
        chains = [c for c in chains if not c[0].startswith('?')]
        found = '? ?'
        for depth in zip(*chains):
            if len(set(depth)) > 1:
                break
            found = depth[0]
        return found


def read_list(path):
    known = {'loop': {}, 'jump': {}, 'call': {}, 'root': {}, 'cycle': {}}
    for line in open(path):
        line = line.split('#')[0].split()
        if not line:
            continue
        kind, words = line[0], line[1:]
        if kind not in known or len(words) < 2:
            fail('%s: not understood: %s' % (path, ' '.join(line)))
        if kind in ('loop', 'jump'):
            known[kind][' '.join(words[:2])] = words[2:]
        else:
            known[kind][words[0]] = ' '.join(words[1:])
    return known


def stack_change(insn):
    """Bytes by which an instruction moves the stack downwards."""
    base, args = insn.base(), insn.args
    regs = re.search(r'\{(.*)\}', args)
    if base == 'push' or (base in ('stmdb', 'stmfd') and args.startswith('sp!')):
        return 4 * count_regs(regs[1])
    if base in ('vpush', 'vpop'):
        n = (8 if 'd' in regs[1] else 4) * count_regs(regs[1])
        return n if base == 'vpush' else -n
    if base.startswith('pop') or (base.startswith('ldm') and args.startswith('sp!')):
        return -4 * count_regs(regs[1])
    m = re.match(r'sp, (?:sp, )?#(\d+)', args)
    if m and base in ('sub', 'subw'):
        return int(m[1])
    if m and base in ('add', 'addw'):
        return -int(m[1])
    m = re.search(r'\[sp, #(-\d+)\]!', args)
    if m:
        return -int(m[1])
    m = re.search(r'\[sp\], #(\d+)', args)
    return -int(m[1]) if m else 0


def count_regs(text):
    n = 0
    for part in text.split(','):
        ends = [int(x) for x in re.findall(r'[rds](\d+)', part)]
        n += ends[1] - ends[0] + 1 if '-' in part and len(ends) == 2 else 1
    return n


class Bounds:
    def __init__(self, functions, lines, known):
        self.by_addr = {f.addr: f for f in functions}
        self.by_name = {f.name: f for f in functions}
        self.lines, self.known = lines, known
        self.loops, self.jumps, self.calls, self.problems = {}, {}, {}, []
        self.deep = {}

    def owner(self, addr):
        f = self.by_addr.get(addr)
        if not f:
            for g in self.by_addr.values():
                if g.addr <= addr < g.end():
                    return g
        return f

    def edges(self, f):
        found = [(self.owner(to), jump, i) for i in f.insns for to, jump in i.calls]
        return found + [(g, False, i) for i in f.insns for g in self.followed(i)]

    def followed(self, insn):
        """Functions that a call through a pointer may lead to, as far as the list tells."""
        if not insn.through:
            return []
        words = self.known['jump'].get(self.lines.common([insn.addr]), [])
        names = [w[1:] for w in words if w.startswith('@')]
        return [self.by_name[n] for n in names if n in self.by_name]

    def reach(self, roots):
        seen, todo = set(), list(roots)
        while todo:
            f = todo.pop()
            if f in seen:
                continue
            seen.add(f)
            for g, _, insn in self.edges(f):
                if g is None:
                    self.calls.setdefault('%x' % insn.calls[0][0], f.name)
                elif g.name in self.known['call']:
                    self.calls.setdefault(g.name, f.name)
                else:
                    todo.append(g)
        return seen

    def look(self, f):
        for source, header in back_edges(f):
            where = self.lines.common(sorted(body(f, source, header)))
            self.loops.setdefault(where, {}).setdefault(f.name, set()).add(header)
        for insn in f.insns:
            if insn.through:
                where = self.lines.common([insn.addr])
                self.jumps.setdefault(where, set()).add(f.name)

    def depths(self, reached):
        """Bytes of stack below the entry of each function."""
        self.deep = dict.fromkeys(reached, 0)
        for _ in range(len(reached) + 1):
            before = dict(self.deep)
            for f in reached:
                self.deep[f] = self.depth(f)
            if before == self.deep:
                return
        self.problems.append('the stack grows with each round of a cycle')

    def depth(self, f):
        at, todo, most = {f.addr: 0}, [f.addr], 0
        while todo:
            addr = todo.pop()
            insn = f.by_addr[addr]
            after = at[addr] + stack_change(insn)
            most = max(most, after)
            for to, _ in insn.calls:
                most = max(most, after + self.deep.get(self.owner(to), 0))
            for g in self.followed(insn):
                most = max(most, after + self.deep[g])
            for to in insn.succ:
                if to not in at:
                    at[to] = after
                    todo.append(to)
        return most

    def cycles(self, reached):
        """Functions that lead back to themselves: by calls, which is recursion, or by jumps."""
        rings = set()
        for f in reached:
            ring = {g for g in reached if self.leads(f, g, reached) and
                    self.leads(g, f, reached)}
            if ring and any(g is f or g in ring for g, _, _ in self.edges(f)):
                rings.add(frozenset(ring | {f}))
        for ring in rings:
            names = '+'.join(sorted(f.name.split('.')[0] for f in ring))
            for f in ring:
                for g, jump, _ in self.edges(f):
                    if g in ring and not jump:
                        self.problems.append('%s calls %s, which leads back: recursion' %
                                             (f.name, g.name))
            if names not in self.known['cycle']:
                self.problems.append('jumps lead around: %s' % names)

    def leads(self, source, to, ring):
        seen, todo = set(), [g for g, _, _ in self.edges(source) if g in ring]
        while todo:
            f = todo.pop()
            if f is to:
                return True
            if f not in seen:
                seen.add(f)
                todo += [g for g, _, _ in self.edges(f) if g in ring]
        return False


def main(argv):
    listing = argv[1:2] == ['--list']
    args = argv[2:] if listing else argv[1:]
    if len(args) != 4:
        fail(__doc__.splitlines()[-1])
    objdump, addr2line, image, path = args
    known = read_list(path)
    functions = read_image(objdump, image)
    for f in functions:
        link(f)
    cut_lost(functions)
    b = Bounds(functions, Lines(addr2line, image), known)
    roots = [b.by_name.get(n) or fail('%s is not in the image' % n) for n in known['root']]
    reached = b.reach(roots)
    for f in sorted(reached, key=lambda f: f.name):
        b.look(f)
    for where, names in sorted(b.loops.items()):
        known_nr, *why = known['loop'].get(where, ['0'])
        nr = max(len(headers) for headers in names.values())
        if listing:
            print('# loop %s %d %s' % (where, nr, ' '.join(why)))
        if nr > int(known_nr) or not why:
            b.problems.append('%d loops in %s (of %s), with a bound in bounds.txt: %s' %
                              (nr, where, ', '.join(sorted(names)), known_nr))
    for where, names in sorted(b.jumps.items()):
        if not known['jump'].get(where):
            b.problems.append('a call through a pointer that is not in bounds.txt: %s (in %s)' %
                              (where, ', '.join(sorted(names))))
    for name, f in sorted(b.calls.items()):
        if name not in known['call']:
            b.problems.append('%s calls what is not in the image: %s' % (f, name))
    b.cycles(reached)
    b.depths(reached)
    for root in roots:
        deep, most = b.deep[root], int(known['root'][root.name].split()[0])
        print('# %-26s %4d bytes of stack, at most %d' % (root.name, deep, most))
        if deep > most:
            b.problems.append('%s takes %d bytes of stack, more than %d' %
                              (root.name, deep, most))
    print('# %d functions, %d loops, %d calls through pointers' %
          (len(reached), len(b.loops), len(b.jumps)))
    for kind, found in (('loop', b.loops), ('jump', b.jumps)):
        for where in sorted(set(known[kind]) - set(found)):
            print('# not met: %s %s' % (kind, where))
    for text in b.problems:
        print('# ' + text)
    return 1 if b.problems else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
