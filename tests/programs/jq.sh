# SPDX-License-Identifier: MIT
# jq: groups, sorts, paths, reduce, string functions and recursion over 12 000
# records

prepare()
{
	numbers 12000 | awk 'BEGIN { print "[" } {
		printf "%s{\"id\":%d,", (NR > 1 ? "," : ""), NR
		printf "\"group\":\"g%d\",", $1 % 97
		printf "\"tags\":[\"t%d\",\"u%d\"],", $1 % 7, $1 % 11
		printf "\"pos\":{\"x\":%.2f,\"y\":%d}}\n", $1 / 1000, $1 % 1000
	} END { print "]" }' >records.json
}

run()
{
	jq -c 'group_by(.group)[:40][] | {
			g: .[0].group, n: length,
			x: (map(.pos.x) | add | floor)
		}' "$IN/records.json"
	jq -r '[.[] | select(.pos.y % 10 == 3) | .tags += ["new"] |
			.id |= tostring | .group |= ascii_upcase] |
		sort_by(.pos.y, .id) | .[] |
		[.id, .group, (.tags | join("+"))] |
		@csv' "$IN/records.json" >rows.csv
	jq '[paths(type == "string")] | length' "$IN/records.json"
	jq 'reduce .[] as $r ({}; .[$r.tags[0]][$r.tags[1]] += 1)' \
		"$IN/records.json"
	jq -n '[range(20000) | tostring | test("7.*7")] |
		map(select(.)) | length'
}

verify()
{
	cksum rows.csv
}
