# SPDX-License-Identifier: MIT
# python3: json, re, decimal, dictionaries and sorting, every object from
# malloc

export PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1

prepare()
{
	text 5000 >text
}

run()
{
	python3 - "$IN/text" <<-'END'
	import collections, decimal, fractions, hashlib, json, re, sys, zlib
	lines = open(sys.argv[1]).read().splitlines()
	words = collections.Counter(w for l in lines for w in l.split())
	print(len(words), words.most_common(5))
	tree = {}
	for w in words:
	    t = tree
	    for c in w:
	        t = t.setdefault(c, {})
	text = json.dumps(tree, sort_keys=True)
	for i in range(5):
	    assert json.dumps(json.loads(text), sort_keys=True) == text
	print(len(text), hashlib.sha256(text.encode()).hexdigest())
	subs = [re.sub(r"([aeiou])(\w)", r"\2\1", l) for l in lines]
	data = "".join(subs).encode()
	print(zlib.crc32(data), len(zlib.compress(data)))
	class Node:
	    def __init__(self, n): self.n, self.kids, self.up = n, [], None
	def build(n, up=None):
	    node = Node(n)
	    node.up = up
	    node.kids = [build(n - 1, node) for _ in range(3)] if n else []
	    return node
	def count(node): return 1 + sum(count(k) for k in node.kids)
	for i in range(3):
	    print(count(build(8)))
	decimal.getcontext().prec = 60
	print(sum(decimal.Decimal(1) / i for i in range(1, 3000)))
	print(sum(fractions.Fraction(1, i) for i in range(1, 150)))
	print(sum(2 ** i // 3 for i in range(2000)) % 10**9)
	END
}
