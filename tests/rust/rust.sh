# SPDX-License-Identifier: MIT
#
# rust.sh - to be read by x-rust*.sh: cargo as configure found it, without a network, and the
# snippets of README.md.

: "${srcdir:?run by make check}" "${builddir:?run by make check}"
. "$(dirname "$0")/../tap.sh"

[ -n "${CARGO:-}" ] && "$RUSTC" --version >/dev/null 2>&1 || {
	echo "${0##*/}: configure found no cargo and rustc"
	exit 77
}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
readme=$srcdir/README.md
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS RUSTFLAGS CARGO_BUILD_TARGET
export RUST_BACKTRACE=0 CARGO_NET_OFFLINE=true RUSTC RUSTDOC
# Without these the folders take 700 MB
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0

# What a command printed, where its case failed
explain()
{
	[ ! -s "$tmp/log" ] || tail -n 60 "$tmp/log" | sed 's/^/# /'
}

cargo() # ARGUMENT...
{
	"$CARGO" "$@" >"$tmp/log" 2>&1
}

# A nightly feature, by a stable compiler; no warnings either
cargo_nightly() # ARGUMENT...
{
	RUSTC_BOOTSTRAP=1 "$CARGO" "$@" >"$tmp/log" 2>&1
}

. "$srcdir/tests/snippet.sh"

# A folder of its own, from where the tree is at path/to/quern
folder() # NAME
{
	mkdir -p "$tmp/$1/path/to" && ln -s "$srcdir" "$tmp/$1/path/to/quern" &&
		cd "$tmp/$1" || exit 99
}
