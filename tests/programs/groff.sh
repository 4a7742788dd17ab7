# SPDX-License-Identifier: MIT
# groff: a manual of 60 sections through preprocessors, troff and two devices

needs="groff troff tbl"
counts="groff troff grotty grops tbl eqn"

prepare()
{
	text 1800 | awk 'BEGIN { print ".TH TEST 1 2000-01-01 test test" } {
		if (NR % 30 == 1) printf ".SH SECTION %d\n.PP\n", NR / 30
		if (NR % 10 == 5) printf ".IP \"\\fB%s\\fR\" 4\n", $1
		if (NR % 30 == 17) {
			print ".TS\nallbox tab(:);\nl r c."
			printf "%s:%s:%s\n1:2:%s\n.TE\n", $1, $2, $3, $4
		}
		if (NR % 30 == 23) {
			printf ".EQ\nx sub %d = { a + b }", NR
			printf " over { c sup %d }\n.EN\n", NR
		}
		print
	}' >manual.1
}

run()
{
	groff -t -e -man -Tutf8 "$IN/manual.1" | cksum
	groff -t -e -man -Tps "$IN/manual.1" | grep -v '^%%CreationDate' | cksum
	groff -t -man -Tascii -Z "$IN/manual.1" | wc -l
}
