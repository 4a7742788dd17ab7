#!/bin/sh
# SPDX-License-Identifier: MIT
#
# size-report.sh - what the archive and a linked image take of the chip.
#
#   size-report.sh ARCHIVE [IMAGE.elf ...]
#
# For the archive: each object as compiled. For an image: each object as far as
# it was linked in, from the map file beside the image (IMAGE.map), and what is
# left. Flash holds code, constants and the initial values of data; RAM holds
# data and bss; stack and heap are counted apart. ARM_SIZE in the environment
# names another size(1).

me=size-report.sh
size=${ARM_SIZE:-arm-none-eabi-size}

die()
{
	echo "$me: $1" >&2
	exit 2
}

[ $# -ge 1 ] || die "usage: $me ARCHIVE [IMAGE.elf ...]"
command -v "$size" >/dev/null 2>&1 ||
	die "$size not found (Debian: apt-get install binutils-arm-none-eabi)"

report_archive()
{
	"$size" "$1" | awk -v title="${1##*/}" '
	function line(name, flash, ram)
	{
		printf "  %-30s %7d %7d\n", name, flash, ram
	}
	BEGIN { printf "%-32s %7s %7s\n", title, "flash", "RAM" }
	NR > 1 {
		flash = $1 + $2
		ram = $2 + $3
		line($6, flash, ram)
		all_flash += flash
		all_ram += ram
	}
	END { line("total", all_flash, all_ram) }'
}

# The map lists input sections as: name, address, size, file; a long name stands
# on a line of its own. Output sections begin in the first column.
report_objects()
{
	awk -v title="${1##*/}" '
	function hex(s,  n, i)
	{
		n = 0
		s = tolower(substr(s, 3))
		for (i = 1; i <= length(s); i++)
			n = n * 16 + index("0123456789abcdef", \
					   substr(s, i, 1)) - 1
		return n
	}
	function object(path)
	{
		sub(/\)$/, "", path)
		sub(/.*[\/(]/, "", path)
		return path
	}
	function add(bytes, path,  name)
	{
		name = object(path)
		if (!(name in seen)) {
			seen[name] = 1
			order[++nr] = name
		}
		if (out ~ /^\.(text|rodata|ARM\.exidx|data)$/ ||
		    out == "quern_hints")
			flash[name] += bytes
		if (out ~ /^\.(data|bss)$/)
			ram[name] += bytes
	}
	/^Linker script and memory map/ { on = 1; next }
	/^OUTPUT\(/ { on = 0 }
	!on { next }
	/^[.a-z_]/ { out = $1 }
	/^ [.a-zA-Z_*][^ ]*$/ { split_name = 1; next }
	/^ / {
		a = split_name ? 1 : 2
		split_name = 0
		if ($a ~ /^0x/ && $(a + 1) ~ /^0x/ && $(a + 2) ~ /\.o\)?$/)
			add(hex($(a + 1)), $(a + 2))
	}
	END {
		printf "%-32s %7s %7s\n", title, "flash", "RAM"
		for (i = 1; i <= nr; i++) {
			name = order[i]
			if (flash[name] + ram[name])
				printf "  %-30s %7d %7d\n", name, flash[name],
				       ram[name] | "sort"
		}
		close("sort")
	}' "$2"
}

report_total()
{
	"$size" -A "$1" | awk '
	$1 ~ /^\.(text|rodata|ARM\.exidx|data)$/ || $1 == "quern_hints" {
		flash += $2
	}
	$1 ~ /^\.(data|bss)$/ { ram += $2 }
	$1 == ".stack" { stack = $2 }
	END {
		printf "  %-30s %7d %7d\n", "total, with padding", flash, ram
		printf "  of 1 MB of flash %.1f %%; of 128 KB of SRAM %.1f %%," \
		       " stack %d bytes, left for heaps %d bytes\n",
		       100 * flash / 1048576, 100 * ram / 131072, stack,
		       131072 - ram - stack
	}'
}

[ -r "$1" ] || die "cannot read $1 (make firmware builds it)"
report_archive "$1"
shift
for image; do
	map=${image%.elf}.map
	[ -r "$image" ] && [ -r "$map" ] ||
		die "cannot read $image and $map (make firmware builds them)"
	echo
	report_objects "$image" "$map"
	report_total "$image"
done
