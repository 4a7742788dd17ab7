#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-hints.sh - plugins of compilers: the records of sites.c, sites.cc and sites.rs are those that
# their sources promise; the code stays as it was; records survive each linker; quern hints tells
# them, and damaged files apart.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
build=${builddir:-$top/build}
gcc=${PLUGIN_GCC:-gcc}
gxx=${PLUGIN_CXX:-g++}
cd "$tmp" || exit 99

explain()
{
	[ ! -s out ] || show out
}

# A record a line, in the order of WANT, without how often it runs
rows()
{
	"$quern" hints "$1" | awk '
	/^$/ { exit }
	NR > 2 {
		elem = substr($0, 15, 6) + 0
		align = substr($0, 21, 7) + 0
		rest = substr($0, 38)
		sub(/^in /, "", rest)
		print $1, elem ? elem : "-", align ? align : "-", rest
	}' | sed 's/  */ /g; s/ $//' | sort
}

# wanted SOURCE TAGS...: the lines WANT that apply; each of their tags must be given
wanted()
{
	awk -v given="$(printf '%s ' "${@:2}")" '
	match($0, /WANT[-:,A-Za-z0-9]* ([0-9]|any)/) {
		line = substr($0, RSTART)
		tags = substr(line, 6, index(line, " ") - 6)
		sub(/^[^ ]* /, "", line)
		sub(/ *\*\/$/, "", line)
		nr = split(tags, tag, ",")
		for (i = 1; i <= nr; i++)
			if (index(" " given, " " tag[i] " ") == 0)
				next
		print line
	}' "$here/$1" | sort
}

# as_promised TITLE OBJECT SOURCE TAGS...
as_promised()
{
	rows "$2" >have
	wanted "${@:3}" >want
	[ -s want ] && diff want have >out
	ok "$1" $?
}

# same_code TITLE COMPILER SOURCE FLAGS...: the assembler's text, but for the notes. Debug
# information is compared, too, without the words of the command.
same_code()
{
	$2 "${@:4}" -S -o plain.s "$3" &&
		$2 "${@:4}" $with -S -o noted.s "$3" &&
		sed '/pushsection\t\(quern_hints\|.debug_quern_names\)/,/popsection/d' \
			noted.s >bare.s && cmp plain.s bare.s >out 2>&1
	ok "$1" $?
}

# ---- GCC ----

plugin=$build/plugin/gcc/quern.so
with="-fplugin=$plugin -fplugin-arg-quern-wrap=named_get:2"
if [ -e "$plugin" ]; then
	for level in O0 O2; do
		must $gcc -$level $with -c -o c.o "$here/sites.c"
		as_promised "GCC, C, -$level" c.o sites.c gcc $level
		must $gxx -$level $with -c -o cc.o "$here/sites.cc"
		as_promised "GCC, C++, -$level" cc.o sites.cc gcc $level
	done
	"$quern" hints c.o >out && grep -q ' 333 *2.0  in twice()' out &&
		grep -q "^c.o: $(rows c.o | wc -l) sites" out
	ok "equal sites are one record, with the sum of their weights" $?
	for source in sites.c ../../lib/format/trace.c \
		../../preload/command/trace/trace-read.c \
		../../preload/command/base/options.c; do
		same_code "the code of ${source##*/} stays as it was" "$gcc" \
			"$here/$source" -O2 -g -gno-record-gcc-switches \
			-I"$top/lib" -iquote "$top/preload"
	done
	same_code "the code of sites.cc stays as it was" "$gxx" "$here/sites.cc" -O2
	! $gcc $with -fplugin-arg-quern-wrap=:1 -c "$here/sites.c" 2>out &&
		grep -q 'wrap=NAME' out
	ok "a list of wrappers that cannot be read is refused" $?
	$gcc -fplugin="$plugin" -fplugin-arg-quern-no-hooks -c -o c.o "$here/sites.c"
	! rows c.o | grep -q hook
	ok "no guess at calls by pointer where it is not wanted" $?
else
	skip "GCC" "there is no plugin for it"
fi

# ---- GCC, tokens ----

cat >tokens.cc <<'END'
#include <cstdlib>
#include <new>

struct node {
	node *next;
	long key;
};

struct plain {
	double x[3];
};

struct alignas(64) line {
	char bytes[64];
};

struct thrower {
	long key[7];
	thrower();
};

#define APART __attribute__((noipa))

static volatile int throws = 1;

APART thrower::thrower()
{
	if (throws)
		throw 1;
}

/* Types that are lost once a pointer has become a void * */
APART node *node_malloc() { return static_cast<node *>(malloc(sizeof(node))); }
APART node *node_new() { return new node; }
APART plain *plain_calloc() { return static_cast<plain *>(calloc(1, sizeof(plain))); }
APART plain *plain_more(plain *p) { return static_cast<plain *>(realloc(p, 2 * sizeof(plain))); }
APART plain *plain_new(size_t n) { return new plain[n]; }
APART plain *plain_try() { return new (std::nothrow) plain; }
APART line *line_new() { return new line; }
APART thrower *thrower_new() { return new thrower; }
APART int page_get(void **p) { return posix_memalign(p, 4096, 8192); }

int main()
{
	void *page;

	free(node_malloc());
	free(node_new());
	free(plain_new(4));
	free(plain_try());
	free(line_new());
	free(plain_more(plain_calloc()));
	if (!page_get(&page))
		free(page);
	try {
		thrower_new();
	} catch (int) {
		return 0;
	}
	return 1;
}
END
cat >twins.c <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TWIN(ret, name, params, args, plain)                              \
	ret __alloc_token_##name params;                                  \
	ret __alloc_token_##name params                                   \
	{                                                                 \
		printf("%s %zu %jx\n", #name, size, (uintmax_t)token);    \
		return plain args;                                        \
	}
TWIN(void *, malloc, (size_t size, size_t token), (size), malloc)
TWIN(void *, calloc, (size_t n, size_t size, size_t token), (n, size), calloc)
TWIN(void *, realloc, (void *p, size_t size, size_t token), (p, size), realloc)
TWIN(int, posix_memalign, (void **p, size_t align, size_t size, size_t token),
     (p, align, size), posix_memalign)
TWIN(void *, _Znwm, (size_t size, size_t token), (size), malloc)
TWIN(void *, _Znam, (size_t size, size_t token), (size), malloc)
TWIN(void *, _ZnwmRKSt9nothrow_t, (size_t size, const void *no, size_t token),
     (no ? size : 0), malloc)
TWIN(void *, _ZnwmSt11align_val_t, (size_t size, size_t align, size_t token),
     (align, size), aligned_alloc)
END

# fnv NAME [UPPER [MOST]]: the token of a type, with pointers if UPPER is 1
fnv()
{
	local hash=2166136261 i most=${3:-0} half

	for ((i = 0; i < ${#1}; i++)); do
		hash=$(((hash ^ $(printf '%d' "'${1:i:1}")) * 16777619 & 0xffffffff))
	done
	half=$((most ? most / 2 : 1 << 63))
	[ "$most" = 0 ] || hash=$((hash % half))
	printf '%x\n' $((hash + ${2:-0} * half))
}

# tokens [MOST]: what the program above says, each call with the token of its type
tokens()
{
	cat <<END
malloc 16 $(fnv node 1 ${1:-})
_Znwm 16 $(fnv node 1 ${1:-})
_Znam 96 $(fnv plain 0 ${1:-})
_ZnwmRKSt9nothrow_t 24 $(fnv plain 0 ${1:-})
_ZnwmSt11align_val_t 64 $(fnv line 0 ${1:-})
calloc 24 $(fnv plain 0 ${1:-})
realloc 48 $(fnv plain 0 ${1:-})
posix_memalign 8192 $(fnv _Z8page_getPPv 1 ${1:-})
_Znwm 56 $(fnv thrower 0 ${1:-})
END
}

if [ -e "$plugin" ]; then
	must $gcc -c -o twins.o twins.c
	for how in -O0 -O2 "-O2 -flto" "-O2 -g -fsanitize=undefined"; do
		must $gxx -std=gnu++17 $how -fplugin="$plugin" \
			-fplugin-arg-quern-tokens -o tokens tokens.cc twins.o
		./tokens >have && tokens >want
		# GCC forgets types of classes at the link
		case $how in
		*lto*) sed -i '$s/ [^ ]*$//' have want ;;
		esac
		diff want have >out
		ok "tokens $how" $?
	done
	must $gxx -std=gnu++17 -O2 -fplugin="$plugin" \
		-fplugin-arg-quern-tokens=16 -o tokens tokens.cc twins.o
	./tokens >have && tokens 16 | diff - have >out
	ok "tokens: 16 of them" $?
	"$quern" hints tokens | grep -q ' 16 .*  node  '
	ok "tokens come with records" $?
	! $gxx -fplugin="$plugin" -fplugin-arg-quern-tokens=many -c tokens.cc 2>out
	ok "a number of tokens that is none is refused" $?
fi

# ---- clang ----

for version in 14 19; do
	plugin=$build/plugin/clang-$version/quern.so
	if [ ! -e "$plugin" ] || ! command -v clang-$version >/dev/null; then
		skip "clang $version" "it is not here, or there is no plugin for it"
		continue
	fi
	with="-fpass-plugin=$plugin"
	export QUERN_WRAP=named_get:2
	for level in O0 O2; do
		must clang-$version -$level $with -c -o c.o "$here/sites.c"
		as_promised "clang $version, C, -$level" c.o sites.c clang \
			clang-$version $level
		must clang++-$version -std=gnu++17 -$level $with -c -o cc.o "$here/sites.cc"
		as_promised "clang $version, C++, -$level" cc.o sites.cc clang \
			clang-$version $level
	done
	"$quern" hints c.o | grep -q ' 333 *2.0  in twice()'
	ok "clang $version: equal sites are one record" $?
	unset QUERN_WRAP
	for source in sites.c ../../lib/format/trace.c \
		../../preload/command/base/options.c; do
		for to in plain noted; do
			[ $to = plain ] && use= || use=$with
			must clang-$version -O2 -ffunction-sections $use -c -o $to.o \
				-I"$top/lib" -iquote "$top/preload" "$here/$source"
			objdump -dr --no-show-raw-insn $to.o | sed 1,3d >$to.d
		done
		cmp plain.d noted.d >out 2>&1
		ok "clang $version: the code of ${source##*/} stays as it was" $?
	done
done

# ---- rustc ----

plugin=$build/plugin/rustc/quern.so
if [ -e "$plugin" ] && [ -n "${RUSTC:-}" ]; then
	for level in 0 2; do
		must env RUSTC_BOOTSTRAP=1 "$RUSTC" --edition 2021 --crate-type lib \
			--emit obj -C codegen-units=1 -C opt-level=$level \
			-Zllvm-plugins="$plugin" -o rs.o "$here/sites.rs"
		# The library's own function behind Box, which is not inlined yet
		rows rs.o | grep -v ' <alloc::alloc::' >have
		wanted sites.rs O$level >want
		[ -s want ] && diff want have >out
		ok "rustc, -O$level" $?
	done
	# By parts, which are linked and optimised once more
	cat >program.rs <<-'END'
		#[path = "sites.rs"]
		pub mod sites;
		fn main() {
			let mut orders = vec![];
			sites::more(&mut orders, *sites::one(7));
			sites::more(&mut orders, *sites::one(8));
			println!("{} {}", orders[1].number, orders.len());
		}
	END
	cp "$here/sites.rs" .
	must env RUSTC_BOOTSTRAP=1 "$RUSTC" --edition 2021 -O -C codegen-units=16 \
		-Zllvm-plugins="$plugin" -o program program.rs
	[ "$(./program)" = "8 2" ] && "$quern" hints program >out &&
		[ "$(grep -c '^ *288+ *72 *8 .* grows .*array realloc rust$' out)" = 1 ] &&
		grep -q '^ *72 *8 *1\.0  in program::sites::one() *returned rust$' out
	ok "rustc: each site once, in parts that are linked" $?
else
	skip "rustc" "it is not here, or there is no plugin for it"
fi

# ---- linkers ----

cat >main.c <<'END'
#include <stdlib.h>

void *part(size_t n);
void *never(void);

static void *volatile kept;

void *never(void)
{
	return malloc(30001);
}

int main(int argc, char **argv)
{
	kept = part((size_t)argc);
	kept = malloc(30002);
	return argv == NULL;
}
END
cat >part.c <<'END'
#include <stdlib.h>

void *part(size_t n);

void *part(size_t n)
{
	return calloc(n, 30003);
}
END

plugin=$build/plugin/gcc/quern.so

# linked TITLE FILE [RECORDS]: three records in it, where the loader finds them
linked()
{
	"$quern" hints "$2" >out && grep -q "^[^:]*: ${3:-3} sites" out &&
		[ "$(grep -cE '^ +(30001|30002|30003\+) ' out)" -ge "${3:-3}" ]
	ok "$1" $?
}

if [ -e "$plugin" ]; then
	for part in main part; do
		must $gcc -O2 -fPIC -ffunction-sections -fdata-sections \
			-fplugin="$plugin" -c -o $part.o $part.c
	done
	for ld in bfd gold lld; do
		if ! $gcc -fuse-ld=$ld -o prog main.o part.o 2>/dev/null; then
			skip "$ld" "it is not here"
			continue
		fi
		for how in -pie "-no-pie -static" -Wl,--gc-sections "-shared -Wl,--gc-sections" \
			"-Wl,--gc-sections -Wl,--icf=all -s"; do
			[ "$ld" != bfd ] || how=${how/-Wl,--icf=all/}
			must $gcc -fuse-ld=$ld $how -o prog main.o part.o
			linked "$ld $how" prog
		done
		printf '\0\0\0\0\0\0\0\0' | dd of=prog bs=1 seek=40 conv=notrunc status=none
		printf '\0\0\0\0' | dd of=prog bs=1 seek=60 conv=notrunc status=none
		linked "$ld: without headers of sections" prog
	done
	must $gcc -O2 -flto -fplugin="$plugin" -o prog main.c part.c
	# never() goes, and part() is inlined
	linked "-flto" prog 2
fi

# ---- firmware ----

plugin=$build/plugin/arm-none-eabi/quern.so
arm=${ARM_CC:-arm-none-eabi-gcc}
if [ -e "$plugin" ]; then
	with="-fplugin=$plugin -fplugin-arg-quern-wrap=named_get:2"
	arm="$arm -mcpu=cortex-m4 -mthumb"
	same_code "firmware: the code of sites.c stays as it was" "$arm" "$here/sites.c" -Os
	same_code "firmware: the code of heap.c stays as it was" "$arm" \
		"$top/lib/heap/heap.c" -Os -I"$top/lib"
	must $arm -Os $with -c -o c.o "$here/sites.c"
	"$quern" hints --heap=64K c.o >out
	ok "firmware: sites.c fits into 64 KB" $?
	# Two pointers' room; 30 other constants are as on the host
	grep -q '^  *8  *8  .*  node  *pointers' out && grep -q '^  *17-272 ' out &&
		grep -q 'for pointers of 32 bits' out
	ok "firmware: sizes are the target's" $?
	"$quern" hints --heap=8K c.o >out
	[ $? = 1 ] && grep -q '^heap 8K: NO, one block takes 8,192 bytes' out
	ok "firmware: 8 KB are too few for a block of 8 KB" $?
	cat >image.c <<'END'
#include <quern.h>

struct sample {
	struct sample *next;
	unsigned short value[5];
};

extern char __heap_start[], __heap_end[];
extern const char __start_quern_hints[];
const char *volatile hints;
void *volatile kept;

void Reset_Handler(void);

void Reset_Handler(void)
{
	struct qn_heap *h = qn_heap_init(__heap_start,
					 (size_t)(__heap_end - __heap_start));
	struct sample *s = qn_heap_alloc(h, sizeof(*s));

	s->next = NULL;
	kept = s;
	kept = qn_heap_alloc_aligned(h, 32, 300);
	hints = __start_quern_hints;
}
END
	must $arm -mfpu=fpv4-sp-d16 -mfloat-abi=hard -Os -I"$top/lib" $with \
		-nostartfiles -T stm32f407.ld -L"$top/embedded" -Wl,--gc-sections \
		-o image.elf image.c "$build/libquern-stm32f407.a"
	"$quern" hints --heap=64K image.elf >out && grep -q '^ *16 *16 .* sample *pointers' out &&
		grep -q '^ *300 *32 ' out &&
		grep -q 'one block of each site takes at least 320 bytes of 64,000' out
	ok "firmware: an image has them where the core looks" $?
else
	skip "firmware" "there is no plugin for its compiler"
fi

# ---- by hand ----

cat >hand.c <<'END'
#include <stdlib.h>
#include <quern-hint.h>

struct node {
	void *next[5];
};

int main(void)
{
	struct node *n = qn_new(struct node);

	qn_hint(NULL, 30001, 4096, QN_HINT_COLD, 7);
	free(n);
	return !n;
}
END
for compiler in "$gcc -O0" "$gcc -O2" "$gxx -x c++ -O0" "clang -O0" "clang -O2" "clang-19 -O2"; do
	command -v ${compiler%% *} >/dev/null || continue
	case $compiler in
	"$gcc -O0") name='in 00000000 ' ;;
	*) name='node ' ;;
	esac
	must $compiler -Wall -Wextra -Werror -I"$top/lib" -o hand hand.c
	"$quern" hints hand >out && grep -q "^ *40 *40 *1.0  $name *manual" out &&
		grep -q '^ *30001 *4096 *7.0 .* cold manual' out && ./hand
	ok "by hand: $compiler" $?
done

# ---- quern hints ----

"$quern" hints --json hand >out && python3 - <<'END'
import json
hints = json.load(open("out"))
assert hints["format"] == 1 and hints["pointer_bits"] == 64
small, large = hints["records"]
assert small["size_min"] == small["size_max"] == small["element"] == 40
assert large["size_max"] == 30001 and large["align"] == 4096
assert large["weight"] == 7 and large["flags"] == ["cold", "manual"]
assert [g["served"] for g in hints["granules"]] == [48, 30016]
END
ok "--json" $?
"$quern" hints /bin/sh >out
[ $? = 0 ] && grep -q 'has no hint records' out
ok "a program without records" $?
"$quern" hints "$here/sites.c" 2>out
[ $? = 125 ] && grep -q 'is no ELF file' out
ok "a file of another kind" $?
head -c 300 hand >cut
"$quern" hints cut 2>out
[ $? = 125 ] && grep -q 'cut is damaged' out
ok "a file that was cut off" $?

finish
