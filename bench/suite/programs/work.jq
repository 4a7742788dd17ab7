# SPDX-License-Identifier: MIT
# Groups, sorts, paths, reductions and strings over an array of records.
(group_by(.group)[:20][] |
	{ g: .[0].group, n: length, x: (map(.pos.x) | add | floor) }),
([.[] | select(.pos.y % 10 == 3) | .tags += ["new"] | .id |= tostring] |
	sort_by(.pos.y, .id) | map([.id, .group, (.tags | join("+"))] | @csv) |
	join(";") | length),
([paths(type == "string")] | length),
reduce .[] as $r ({}; .[$r.tags[0]][$r.tags[1]] += 1),
(tojson | fromjson | length)
