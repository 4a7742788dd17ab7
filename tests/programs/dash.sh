# SPDX-License-Identifier: MIT
# dash: a long script of functions, here-documents and substitutions

prepare()
{
	awk 'BEGIN {
		for (i = 0; i < 3000; i++) {
			printf "f%d() { v%d=$1-${v%d:-none}; }\n", i, i, i - 1
			printf "f%d \"$((%d * 3 %% 17))\"\n", i, i
			if (i % 100 == 99)
				printf "cat <<-END\n\t$v%d\n\tEND\n", i
		}
		print "for w in $v2999; do for i in 1 2 3 4 5 6 7 8 9; do"
		print "j=0; while [ $j -lt 2000 ]; do"
		print "j=$((j + 1)); v1=$w$j; done"
		print "done; done; echo ${#v1} ${#v2999}"
	}' >script
}

run()
{
	dash "$IN/script" | cksum
}
