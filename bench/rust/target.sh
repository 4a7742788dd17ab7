#!/bin/sh
# SPDX-License-Identifier: MIT
#
# target.sh - a crate of the tree for the Cortex-M4, without a network. Debian has the standard
# library as sources alone.
#
#	target.sh ARGUMENT...		those of cargo, behind what the target needs
#
# In the environment: CARGO, RUSTC.

set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS RUSTFLAGS CARGO_BUILD_TARGET
vendor=$("$RUSTC" --print sysroot)/lib/rustlib/src/rust/library/vendor
command=$1
shift
export RUSTC_BOOTSTRAP=1 CARGO_NET_OFFLINE=true RUSTC
exec "$CARGO" "$command" --offline --locked --target thumbv7em-none-eabihf \
	-Z build-std=core,alloc \
	--config 'source.crates-io.replace-with="debian"' \
	--config "source.debian.directory=\"$vendor\"" "$@"
