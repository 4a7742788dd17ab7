# SPDX-License-Identifier: MIT
#
# consumers.sh - programs of others against what make install installed: README's lines for C++
# as they stand, by pkg-config, CMake and Meson; a program in C. check-install.sh reads it.
#
# What configure's prefix is in files for pkg-config is the test's folder here.

readme=$srcdir/README.md
mkdir -p "$tmp/pc" "$tmp/cxx" || exit 99
for file in quern quern-heap; do
	sed "s|^prefix=.*|prefix=$root$prefix|; s|^exec_prefix=.*|exec_prefix=\${prefix}|
		s|^libdir=.*|libdir=\${prefix}/lib|
		s|^includedir=.*|includedir=\${prefix}/include|" \
		"$lib/pkgconfig/$file.pc" >"$tmp/pc/$file.pc"
done

. "$srcdir/tests/snippet.sh"

snippet c++ 1 >"$tmp/cxx/words.cc"
snippet cmake 1 >"$tmp/cxx/CMakeLists.txt"
snippet meson 1 >"$tmp/cxx/meson.build"

# The line of README's commands that begins with some words
line_of() # WORDS
{
	sed -n "s/^    \($1 .*\)/\1/p" "$readme"
}

# In an environment that leads to the installed files
consume() # COMMAND LINE
{
	(cd "$tmp/cxx" && unset CFLAGS CXXFLAGS &&
		export PKG_CONFIG_PATH="$tmp/pc" CMAKE_PREFIX_PATH="$root$prefix" \
			LD_LIBRARY_PATH="$lib" LC_ALL=C &&
		sh -ec "$1") >"$tmp/log" 2>&1
}

says_words()
{
	grep -q '^100 words' "$tmp/log"
}

uses() # PROGRAM: of the libraries of quern, libquern-heap.so alone
{
	[ "$(readelf -d "$tmp/cxx/$1" |
		sed -n 's/.*NEEDED.*\[\(libquern.*\)\]/\1/p')" = libquern-heap.so.0 ]
}

by() # TOOL, FIRST WORDS OF THE LINE, PROGRAM, WHAT TO RUN BEHIND IT
{
	command -v "$1" >/dev/null && command -v g++ >/dev/null || {
		skip "README's program by $1" "there is no $1, or no g++"
		return
	}
	ok "README has a line with $2" [ -n "$(line_of "$2")" ]
	ok "README's program by $1" consume "$(line_of "$2")${4:-}"
	ok "it runs" says_words
	ok "it is linked with libquern-heap.so" uses "$3"
}

by pkg-config "g++ -std=c++17" words '
./words'
by cmake "cmake -S" by-cmake/words
by meson "meson setup" by-meson/words

if command -v pkg-config >/dev/null && command -v g++ >/dev/null; then
	ok "without exceptions and RTTI" consume 'g++ -std=c++17 -Wall -Wextra -Werror \
		-fno-exceptions -fno-rtti -o plain words.cc \
		$(pkg-config --cflags --libs quern-heap) && ./plain'
	ok "with the archive instead" consume 'g++ -std=c++17 -Wall -Wextra -Werror \
		-o static words.cc $(pkg-config --cflags quern-heap) \
		-L"$LD_LIBRARY_PATH" -l:libquern-heap.a && ./static'
	ok "it runs" says_words
	ok "beside a preloaded quern as well" consume \
		"LD_PRELOAD='$lib/libquern.so.0' ./words && LD_PRELOAD='$lib/libquern.so.0' ./static"
fi
if command -v cmake >/dev/null && command -v g++ >/dev/null; then
	sed 's/quern::heap/quern::heap-static/; s/find_package(quern /&0.1 /' \
		"$tmp/cxx/CMakeLists.txt" >"$tmp/pc/CMakeLists.txt"
	cp "$tmp/cxx/words.cc" "$tmp/pc"
	ok "the archive by CMake, from a version on" consume \
		"cmake -S '$tmp/pc' -B by-version && cmake --build by-version && by-version/words"
	sed -i 's/find_package(quern [0-9.]*/find_package(quern 99/' "$tmp/pc/CMakeLists.txt"
	ok "a version that is not there is refused" \
		not consume "cmake -S '$tmp/pc' -B by-none"
fi

cat >"$tmp/cxx/own.c" <<END
#define _GNU_SOURCE
#include <dlfcn.h>
#include <quern.h>
#include <stdlib.h>
#include <string.h>

/* A heap of its own, and the C library's malloc beside it */
int main(void)
{
	static char memory[16384];
	struct qn_heap *h = qn_heap_init(memory, sizeof(memory));
	char *p = qn_heap_alloc(h, 100), *q = malloc(100);
	Dl_info info;

	if (p < memory || p >= memory + sizeof(memory) || !q)
		return 1;
	if (q >= memory && q < memory + sizeof(memory))
		return 2;
	if (!dladdr((void *)malloc, &info) || !strstr(info.dli_fname, "libc.so"))
		return 3;
	if (dlsym(RTLD_DEFAULT, "qn_malloc"))
		return 4;
	free(q);
	qn_heap_free(h, p);
	return qn_heap_check(h) ? 5 : 0;
}
END
if command -v pkg-config >/dev/null; then
	ok "a program in C keeps its malloc" consume "${CC:-cc} -Wall -Werror -o own own.c \
		\$(pkg-config --cflags --libs quern-heap) && ./own"
	ok "and so it does with the archive" consume "${CC:-cc} -Wall -Werror -o own own.c \
		\$(pkg-config --cflags quern-heap) -L\"\$LD_LIBRARY_PATH\" -l:libquern-heap.a &&
		./own"
fi
