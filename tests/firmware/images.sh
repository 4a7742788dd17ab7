# SPDX-License-Identifier: MIT
#
# images.sh - to be read by x-firmware-*.sh: where the images are and how they are run.

. "$(dirname "$0")/../tap.sh"

run="$srcdir/embedded/run-qemu.sh -t 60"
images=$builddir/firmware

# Without these files or QEMU the test is skipped; a folder for what is printed
needs() # FILE...
{
	for file; do
		[ -r "$images/$file" ] || {
			echo "${0##*/}: $images/$file was not built"
			exit 77
		}
	done
	command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >/dev/null || {
		echo "${0##*/}: no qemu-system-arm"
		exit 77
	}
	tmp=$(mktemp -d) || exit 99
	trap 'rm -rf "$tmp"' EXIT
}

# No run survives: none ends with status 0, nor because QEMU is missing (77) or the
# options are wrong (2). {} in the arguments is the seed
is_ruined() # SEEDS IMAGE ARGUMENT...
{
	for seed in $1; do
		$run -t 5 "$images/$2" $(echo "$3" | sed "s/{}/$seed/") >/dev/null 2>&1
		case $? in
		0 | 2 | 77) return 1 ;;
		esac
	done
}
