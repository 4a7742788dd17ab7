#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-firmware-readme.sh - the snippets of embedded/README.md as they stand: those in C
# compile, those of make and CMake build a firmware by the plain command, and what is
# built of them runs in QEMU. Then what quern.mk promises: the code that our figures are
# measured with, and a new archive where a flag or a knob changes.
#
# Prints TAP. Without the cross compiler or QEMU it is skipped.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
. "$(dirname "$0")/images.sh"

run="$srcdir/embedded/run-qemu.sh -t 20"
make=${MAKE:-make}
readme=$srcdir/embedded/README.md
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CC CXX
needs f-newlib.elf
for tool in arm-none-eabi-gcc arm-none-eabi-g++ arm-none-eabi-ar; do
	command -v $tool >/dev/null || {
		echo "x-firmware-readme: no $tool"
		exit 77
	}
done

. "$srcdir/tests/snippet.sh"

count() # LANGUAGE
{
	grep -cxF '```'"$1" "$readme"
}

# Nothing but what was asked for, no warnings
quiet() # COMMAND...
{
	"$@" >"$tmp/log" 2>&1 && ! grep -i warning "$tmp/log" && return
	sed 's/^/# /' "$tmp/log"
	return 1
}

prints() # TEXT IMAGE
{
	$run "$2" >"$tmp/out" 2>&1 && grep -q -- "$1" "$tmp/out" && return
	sed 's/^/# /' "$tmp/out"
	return 1
}

# A folder of its own, from where the tree is at path/to/quern
folder() # NAME
{
	mkdir -p "$tmp/$1/path/to" && ln -s "$srcdir" "$tmp/$1/path/to/quern" &&
		cd "$tmp/$1" || exit 99
}

# --- C ----------------------------------------------------------------------

folder c
target="-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard"
for i in $(seq "$(count c)"); do
	snippet c "$i" >"$i.c"
	ok "snippet $i in C compiles" quiet arm-none-eabi-gcc $target -Os -Wall \
		-Wextra -I"$srcdir/lib" -c "$i.c"
done
ok "there are snippets in C" [ "$(count c)" -ge 3 ]

# --- make -------------------------------------------------------------------

main_c() # by malloc() and printf() of newlib
{
	cat <<-END
	#include <malloc.h>
	#include <stdio.h>
	#include <stdlib.h>
	int main(void)
	{
		char *volatile p = malloc(1000);

		printf("%d bytes %.2f\n", mallinfo().uordblks >= 1000, 2.5);
		free(p);
		return fflush(stdout);
	}
	END
}

main_cc()
{
	cat <<-END
	#include <stdio.h>
	struct Shape {
		virtual int area() const { return 0; }
		virtual ~Shape() {}
	};
	struct Square : Shape {
		int side;
		explicit Square(int n) : side(n) {}
		int area() const override { return side * side; }
	};
	static Square global(5);
	static Shape *make()
	{
		static Square local(global.area());
		return new Square(local.area());
	}
	int main()
	{
		Shape *s = make();
		printf("area %d\n", s->area());
		delete s;
		return fflush(stdout);
	}
	END
}

folder board
snippet make 1 >Makefile
main_c >main.c
ok "make builds the first snippet's firmware" quiet $make
ok "it runs" prints '^1 bytes 2.50' firmware.elf
echo '#define QN_GUARD 1' >quern-config.h
ok "with a quern-config.h" quiet $make
ok "it runs as well" prints '^1 bytes 2.50' firmware.elf

folder own
snippet make 2 >Makefile
main_c >main.c
sed "/INCLUDE/r $srcdir/embedded/sections.ld" "$srcdir/embedded/stm32f407.ld" |
	sed '/INCLUDE/d' >my-board.ld
cat >my-startup.c <<-END
	int main(void);
	void Reset_Handler(void) { main(); for (;;) ; }
	END
# nosys.specs warns of each call that it has no more than a stub for
stubs_aside()
{
	$make >"$tmp/log" 2>&1
}
ok "make builds the second, for a board with a start-up of its own" stubs_aside
ok "malloc is quern's there" sh -c \
	'arm-none-eabi-nm firmware.elf | grep -q qn_heap_alloc &&
	 ! arm-none-eabi-nm firmware.elf | grep -q _sbrk'

folder cxx
snippet make 3 >Makefile
main_cc >main.cc
ok "make builds the third, in C++" quiet $make
ok "it runs, its global object was constructed" prints '^area 390625' firmware.elf
ok "all snippets of make were built" [ "$(count make)" -eq 3 ]

# --- CMake ------------------------------------------------------------------

if command -v cmake >/dev/null; then
	toolchain=-DCMAKE_TOOLCHAIN_FILE=$srcdir/embedded/cortex-m4.cmake
	folder cmake
	snippet cmake 1 >CMakeLists.txt
	main_c >main.c
	ok "cmake is content with its snippet" quiet cmake -S . -B out $toolchain
	ok "it builds" quiet cmake --build out
	ok "it runs" prints '^1 bytes 2.50' out/firmware
	folder cmake-cxx
	snippet cmake 2 >CMakeLists.txt
	main_cc >main.cc
	ok "cmake is content with it in C++" quiet cmake -S . -B out $toolchain
	ok "that builds" quiet cmake --build out
	ok "all snippets of CMake were built" [ "$(count cmake)" -eq 2 ]
	ok "that runs" prints '^area 390625' out/firmware
else
	skip "CMake" "no cmake"
fi

# --- what quern.mk promises -------------------------------------------------

# The code of a heap, wherever it was compiled
code() # ARCHIVE MEMBER
{
	arm-none-eabi-ar p "$1" "$2" >"$tmp/member.o" &&
		arm-none-eabi-objdump -d "$tmp/member.o" | sed 1,3d
}

same_code() # ARCHIVE MEMBER
{
	code "$builddir/libquern-stm32f407.a" heap.o >"$tmp/ours"
	code "$1" "$2" >"$tmp/theirs"
	[ -s "$tmp/ours" ] && cmp -s "$tmp/ours" "$tmp/theirs"
}

cd "$tmp/own" || exit 99
ok "the heap's code is that of our figures" same_code quern-build/libquern.a heap.o
[ ! -d "$tmp/cmake/out" ] ||
	ok "by CMake as well" same_code "$tmp/cmake/out/libquern.a" heap.c.obj
quiet $make || exit 99
ok "nothing is built twice" sh -c "! $make -n | grep -q heap"
ok "a flag of the command line builds the archive anew" sh -c "$make -n \
	QUERN_CFLAGS='-mcpu=cortex-m4 -mthumb -O2' | grep -q 'O2.*heap'"
ok "so does a knob in quern-config.h" sh -c 'cd ../board &&
	echo "#define QN_GUARD 0" >quern-config.h && '"$make -n | grep -q heap"
ok "and the configuration's end" sh -c 'cd ../board && rm quern-config.h &&
	'"$make -n | grep -q heap"

finish
