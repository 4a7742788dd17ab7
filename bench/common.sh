# SPDX-License-Identifier: MIT
#
# common.sh - to be read by scripts of bench: messages, what they need, how they print.
# Before it, $me is the script's name.

bench_folder=$(cd "$(dirname "$0")/.." && pwd)

die()
{
	echo "$me: $*" >&2
	exit 1
}

# What is not installed skips a test
need() # COMMAND PACKAGE
{
	command -v "$1" >/dev/null || {
		echo "$me: $1 not found: install it" \
			"(Debian: apt-get install $2)" >&2
		exit 77
	}
}

need_emulator()
{
	need "${QEMU_SYSTEM_ARM:-qemu-system-arm}" qemu-system-arm
}

# A folder of the script's own, $tmp, which ends with it
make_tmp()
{
	tmp=$(mktemp -d) || exit 1
	trap 'rm -rf "$tmp"' EXIT
	export tmp
}

# The smallest heap that completes, in steps of 64 bytes, by halving what is between
# one that does and one that does not. The script has fits BYTES WORD...
smallest() # LEAST MOST WORD...
{
	low=$(($1 / 64))
	high=$(($2 / 64))
	shift 2
	fits $((high * 64)) "$@" || {
		echo 0
		return
	}
	while [ $((high - low)) -gt 1 ]; do
		middle=$(((low + high) / 2))
		if fits $((middle * 64)) "$@"; then
			high=$middle
		else
			low=$middle
		fi
	done
	echo $((high * 64))
}

# Words KEY=VALUE of what an image printed, as lines "WORD... KEY VALUE"
to_lines() # WORD...
{
	tr ' ' '\n' | awk -F= -v what="$*" 'NF == 2 && $1 != "subject" && \
		$1 != "seed" { print what, $1, $2 }'
}

# print_tables PROGRAM [OPTIONS] [FILES]: an awk program of bench, behind text.awk
print_tables()
{
	program=$bench_folder/$1
	shift
	awk -f "$bench_folder/text.awk" -f "$program" "$@"
}
