#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-rust.sh - the crate quern on this machine: its tests under each feature, its examples, a
# program with threads and panics, what a package of it holds, and use from elsewhere.
#
# Prints TAP. Without cargo it is skipped.

set -u
. "$(dirname "$0")/rust.sh"
export CARGO_TARGET_DIR=$builddir/rust

cd "$srcdir" || exit 99
words() # FEATURES FILE...
{
	features=$1
	shift
	"$CARGO" run -q --locked --features "$features" --example words -- 3 4 "$@" \
		2>"$tmp/log"
}

# Seeds of random sequences, so that a failure can be repeated
tests() # ARGUMENT...
{
	cargo test --locked "$@" -- --nocapture
	status=$?
	grep '^QUERN_SEED=' "$tmp/log" | sed 's/^/# /'
	return $status
}

ok "without a lock" tests --test heap --test shapes --test small
! grep '^warning' "$tmp/log"
ok "no warnings" $?
ok "spinning threads" tests --features spin --test global --test shapes
ok "a critical section" tests --features critical-section --test global
ok "a process" tests --features std --test process --test heap
ok "the trait of nightly compilers" cargo_nightly test --locked --features nightly \
	--test allocator
ok "examples in the documentation" cargo test --locked --doc --features spin
ok "those with std" cargo test --locked --doc --features std

# Two files make their threads panic
printf '\377\376' >"$tmp/no-text"
: >"$tmp/no-words"
files="lib/heap/heap.c $tmp/no-text lib/quern.h $tmp/no-words DECISIONS.md"
words std $files >"$tmp/quern" && grep -q '^12 files, 8 panics' "$tmp/quern"
ok "a program with threads and panics" $?
grep -q '^[1-9][0-9]* bytes in use by quern' "$tmp/log"
ok "its blocks are quern's" $?
words default $files >"$tmp/system" && cmp "$tmp/system" "$tmp/quern"
ok "it prints what it prints under the system's allocator" $?
QUERN_CONF=report:stderr words std $files 2>&1 >/dev/null
grep -q '^HEAP' "$tmp/log" || grep -q 'quern: ' "$tmp/log"
ok "QUERN_CONF sets it up" $?
QUERN_CONF=nonsense words std $files >/dev/null 2>&1
[ $? -ne 0 ] && grep -q 'quern: QUERN_CONF: ' "$tmp/log"
ok "and a wrong one ends it" $?

# The pipeline of make paper: in Rust as in C
"$CARGO" run -q --locked --manifest-path bench/rust/Cargo.toml -- 2 60 20000 \
	>"$tmp/have" 2>"$tmp/log"
"$builddir/firmware/pipeline-host" seed=2 ops=20000 | sed -n 's/^checksum  *//p' >"$tmp/want"
[ -s "$tmp/want" ] && diff "$tmp/want" "$tmp/have" >>"$tmp/log"
ok "the sensor pipeline computes in Rust what it does in C" $?

# Records by hand: bytes, of an element, alignment, weight, and FNV-1a of the type's name
program=$(ls -t "$CARGO_TARGET_DIR"/debug/deps/small-* | grep -v '\.d$' | head -n 1)
"$QUERN" hints "$program" | tr -s ' ' >"$tmp/log"
grep -q '^ 32 32 8 3\.0 type 18e78237 pointers manual$' "$tmp/log"
ok "a hint by type is a record" $?
grep -q '^ 20 20 1\.0 type 6b3c2e31 manual$' "$tmp/log"
ok "and one of a type without pointers" $?

# --- what is built of which sources -----------------------------------------

# A list of lib/Makefile.inc, without the engines
list() # NAME
{
	awk -v name="$1" '
	$1 == name && $2 == "=" { inside = 1 }
	inside {
		last = !/\\$/
		gsub(/\\|.*=/, "")
		for (i = 1; i <= NF; i++)
			print $i
		if (last)
			exit
	}' lib/Makefile.inc
}
{
	list core_c
	list heap_c
	list linux_c
} | grep '^lib' | sort >"$tmp/want"
sed -n 's|^    "\([a-z/-]*\)",$|lib/\1.c|p' embedded/rust/build.rs | sort >"$tmp/have"
diff "$tmp/want" "$tmp/have" >"$tmp/log"
ok "the build script has the core's sources" $?
cat >"$tmp/layouts.c" <<'END'
#include <stdio.h>
#include "base/strtab.h"
#include "base/varint.h"
#include "quern.h"
#define SAY(name, n) printf("%s %zu\n", name, (size_t)(n))
int main(void)
{
	const size_t sizes[] = { 0, 1, 8, 33 }, nrs[] = { 1, 63, 64, 65, 1000 };
	char text[64];

	SAY("QN_ALIGN", QN_ALIGN);
	SAY("qn_stats", sizeof(struct qn_stats));
	SAY("qn_brief", sizeof(struct qn_brief));
	SAY("qn_zone_stats", sizeof(struct qn_zone_stats));
	SAY("qn_arena", sizeof(struct qn_arena));
	SAY("qn_strtab", sizeof(struct qn_strtab));
	for (int i = 0; i < 20; i++) {
		size_t size = sizes[i % 4], nr = nrs[i / 4];

		sprintf(text, "QN_POOL_BYTES(%zu, %zu)", size, nr);
		SAY(text, QN_POOL_BYTES(size, nr));
	}
	for (int i = 0; i < 64; i++) {
		u8 bytes[QN_VARINT_MAX];
		size_t nr = qn_varint_put(bytes, ~0ull >> i);

		printf("qn_varint %d", i);
		while (nr)
			printf(" %d", bytes[--nr]);
		printf("\n");
	}
	return 0;
}
END
${CC:-cc} -Ilib -o "$tmp/layouts" "$tmp/layouts.c" && "$tmp/layouts" >"$tmp/want"
cargo test --locked --lib layouts -- --nocapture
grep -E '^(QN_|qn_)' "$tmp/log" >"$tmp/have"
diff "$tmp/want" "$tmp/have" >"$tmp/log"
ok "structures and macros of quern.h are those of Rust" $?
version=$(sed -n 's/^#define QN_VERSION_[A-Z]* \([0-9]*\)$/\1/p' lib/quern.h | paste -s -d .)

# --- the package ------------------------------------------------------------

# Nothing is missing, and nothing comes along: headers of the engines stay away but one
{
	echo Cargo.toml
	echo Cargo.lock
	echo COPYING
	find embedded/rust -type f
	find lib -name '*.[ch]' ! -path 'lib/engine/*'
	echo lib/engine/engine.h
} | sort >"$tmp/want"
cargo package --offline --no-verify --allow-dirty --list
grep -v -e '^ ' -e '^warning' -e '^$' "$tmp/log" |
	grep -vx -e Cargo.toml.orig -e .cargo_vcs_info.json | sort >"$tmp/have"
diff "$tmp/want" "$tmp/have" >"$tmp/log"
ok "a package lists what it needs" $?
cargo package --offline --no-verify --allow-dirty
ok "it is packed" $?
folder packed
tar xf "$builddir/rust/package/quern-$version.crate"
mv "quern-$version" package 2>"$tmp/log" && cd package || exit 99
ok "what was packed builds" cargo build --offline --features spin
ok "so it does with std" cargo build --offline --features std
cd "$srcdir" || exit 99

# --- from elsewhere, as README.md has it ------------------------------------

unset CARGO_TARGET_DIR
PATH=$(dirname "$CARGO"):$PATH
folder std
ln -s "$builddir/rust" target
mkdir src
snippet toml 3 >Cargo.toml
snippet rust 2 >src/main.rs
snippet sh 2 >run.sh
sh -e run.sh >"$tmp/log" 2>&1 && grep -q '^[1-9][0-9]* words, [1-9][0-9]* bytes' "$tmp/log"
ok "the Linux program of README.md" $?

finish
