#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-rust-target.sh - the crate quern on a Cortex-M4 in QEMU: its test image, built with the
# standard library's sources, and the firmware of README.md as it stands.
#
# Prints TAP. Without cargo, those sources, the cross compiler or QEMU it is skipped.

set -u
. "$(dirname "$0")/rust.sh"
export CARGO_TARGET_DIR=$builddir/rust-target

vendor=$("$RUSTC" --print sysroot)/lib/rustlib/src/rust/library/vendor
[ -d "$vendor" ] || {
	echo "${0##*/}: no $vendor"
	exit 77
}
for tool in arm-none-eabi-gcc arm-none-eabi-ar "${QEMU_SYSTEM_ARM:-qemu-system-arm}"; do
	command -v "$tool" >/dev/null || {
		echo "${0##*/}: no $tool"
		exit 77
	}
done
run="$srcdir/embedded/run-qemu.sh -t 60"
built=$CARGO_TARGET_DIR/thumbv7em-none-eabihf/release/libfirmware.a
make=${MAKE:-make}

# The configuration of README.md, with the library of the compiler at hand
configured()
{
	mkdir .cargo && snippet toml 2 |
		sed "s|^directory = .*|directory = \"$vendor\"|" >.cargo/config.toml
}

# By the Makefile of README.md, from a folder where its name leads to what was built
linked()
{
	mkdir -p target/thumbv7em-none-eabihf/release &&
		cp "$built" target/thumbv7em-none-eabihf/release/ &&
		$make >"$tmp/log" 2>&1
}

prints() # STATUS TEXT IMAGE WORD...
{
	want=$1
	text=$2
	shift 2
	$run "$@" >"$tmp/log" 2>&1
	[ $? -eq "$want" ] && grep -q -- "$text" "$tmp/log"
}

folder test
configured
snippet make 1 >Makefile
cp -r "$srcdir/tests/rust/firmware" firmware && chmod -R u+w firmware || exit 99
sed -i "s|path = \"../../..\"|path = \"$srcdir\"|" firmware/Cargo.toml
sed -i "s|../../exercise.rs|$srcdir/tests/rust/exercise.rs|" firmware/src/lib.rs
(cd firmware && cargo_nightly build --release --offline --locked)
ok "the test image is compiled" $?
ok "and linked" linked
ok "it runs" prints 0 '^all is well' firmware.elf
sed 's/^/# /' "$tmp/log"
sum=$(grep '^collections' "$tmp/log")
(cd "$srcdir" && CARGO_TARGET_DIR=$builddir/rust cargo test --locked --test heap collections \
	-- --nocapture)
[ -n "$sum" ] && grep -q "^$sum" "$tmp/log"
ok "collections hold what they hold on this machine" $?
ok "out of memory is a panic" \
	prints 71 '^memory allocation of 1048576 bytes failed' firmware.elf exhaust
ok "a second free too" prints 71 '^quern: freed twice: 0x2000' firmware.elf twice

# --- the firmware of README.md ----------------------------------------------

folder readme
configured
mkdir src
snippet toml 1 >Cargo.toml
snippet rust 1 >src/lib.rs
snippet make 1 >Makefile
snippet sh 1 >run.sh
ln -s "$CARGO_TARGET_DIR" target
(
	unset CARGO_TARGET_DIR
	PATH=$(dirname "$CARGO"):$PATH
	sh -e run.sh >"$tmp/log" 2>&1
) && grep -q '^100 numbers, 4950; [1-9][0-9]* bytes' "$tmp/log"
ok "the firmware of README.md is built, and runs" $?

# --- other cores ------------------------------------------------------------

# The crate with a lock by masking, for a core without atomic exchange; no library is needed to
# see that the C sources are compiled and the crate is
folder core
configured
ok "Cortex-M0+" cargo_nightly check --release --offline --target thumbv6m-none-eabi \
	--manifest-path "$srcdir/Cargo.toml" --features cortex-m

# --- a prebuilt archive -----------------------------------------------------

if [ -r "$builddir/libquern-stm32f407.a" ]; then
	cd "$tmp/test/firmware" || exit 99
	QUERN_ARCHIVE=$builddir/libquern-stm32f407.a CARGO_TARGET_DIR=$tmp/prebuilt
	export QUERN_ARCHIVE CARGO_TARGET_DIR
	cp -r "$builddir/rust-target" "$tmp/prebuilt"
	built=$CARGO_TARGET_DIR/thumbv7em-none-eabihf/release/libfirmware.a
	ok "with the archive of make" cargo_nightly build --release --offline --locked
	cd .. || exit 99
	ok "it is linked" linked
	ok "it runs as well" prints 0 '^all is well' firmware.elf
else
	skip "a prebuilt archive" "it was not built"
fi

finish
