# SPDX-License-Identifier: MIT
# dot: a directed graph of 190 nodes laid out and drawn as SVG, text and
# PostScript, a second one by neato

needs="dot neato"

prepare()
{
	numbers 250 | awk 'BEGIN { print "digraph g {" } {
		printf "n%d [label=\"node %d\", shape=%s];\n",
			NR % 190, $1 % 1000, NR % 3 ? "box" : "ellipse"
		if (NR > 1)
			printf "n%d -> n%d [label=\"e%d\",weight=%d];\n",
				$1 % (NR > 190 ? 190 : NR), NR % 190, NR, $1 % 5 + 1
		if (NR % 50 == 0)
			printf "subgraph cluster%d { n%d; n%d; n%d; }\n",
				NR, NR - 1, NR - 2, NR - 3
	} END { print "}" }' >g.gv
}

# graphviz orders subgraphs by addresses, so lines are sorted before they are compared
run()
{
	dot -Tsvg -o g.svg "$IN/g.gv" &&
		dot -Tplain -Gnslimit=2 -Grankdir=LR -o g.txt "$IN/g.gv" &&
		neato -Tps -Gmaxiter=50 -o g.ps "$IN/g.gv" &&
		dot -Tcanon "$IN/g.gv" | sort | cksum
}

verify()
{
	for file in g.svg g.txt g.ps; do
		sort $file | cksum
	done
}
