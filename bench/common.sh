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
