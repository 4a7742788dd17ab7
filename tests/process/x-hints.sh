#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-hints.sh - hint records in a process: those of cold types make blocks of their tokens lie
# apart. Of the program, of a library that it needs and of one that it opens; damaged ones
# do nothing, and the program runs.

. "$(dirname "$0")/../x.sh"
tokens=${builddir:-$PWD/build}/libquern-tokens.so
cp "$tokens" "$tmp/libquern-tokens.so.0" || exit 99
cold=0x12345678

# An assembler's note; the words of its head may be wrong
note() # FILE NAMESZ DESCSZ TYPE VERSION REC_SIZE COUNT FLAGS HASH...
{
	file=$1
	{
		echo ".pushsection quern_hints,\"aR\",%note"
		echo ".balign 4"
		echo ".long $2, $3, $4"
		echo ".asciz \"QUERN\""
		echo ".balign 4"
		echo ".byte $5, $6"
		echo ".short 64"
		echo ".long $7"
		bits=$8
		shift 8
		for hash in "$@"; do
			echo ".long 100, 100, 0, $bits"
			echo ".byte 0, 0"
			echo ".short 16"
			echo ".long $hash"
		done
		echo ".popsection"
		echo ".section .note.GNU-stack,\"\",%progbits"
	} >"$file"
}

# The flags: one size, seldom run, of a known type
const_cold_typed=0x281
note "$tmp/cold.s" 6 32 1 1 24 1 $const_cold_typed $cold
note "$tmp/warm.s" 6 32 1 1 24 1 0x201 $cold
note "$tmp/none.s" 6 8 1 1 24 0 0
build() # NAME SOURCE...
{
	name=$1
	shift
	must "$cc" $flags -DCOLD=$cold -o "$tmp/$name" "$here/x-hints-main.c" \
		"$@" "$tmp/libquern-tokens.so.0" -Wl,-rpath,"$tmp" -ldl
}

runs() # what, settings, program, arguments
{
	what=$1
	conf=$2
	shift 2
	QUERN_CONF=$conf preloaded "$@" >"$tmp/out" 2>&1
	status=$?
	[ $status = 0 ] || show "$tmp/out"
	[ $status = 0 ] && grep -q '^1\.\.[1-9]' "$tmp/out"
	ok "$what" $?
}

build cold "$tmp/cold.s"
runs "a cold type" seed:1 "$tmp/cold" apart
runs "a cold type, hints:0" seed:1,hints:0 "$tmp/cold" together
build both "$tmp/cold.s" "$tmp/warm.s"
runs "a type with cold sites and others" seed:1 "$tmp/both" together
build plain
runs "no records" seed:1 "$tmp/plain" together
must strip -o "$tmp/stripped" "$tmp/cold"
runs "a stripped program" seed:1 "$tmp/stripped" apart
build fixed "$tmp/cold.s" -no-pie
runs "a program at a fixed place" seed:1 "$tmp/fixed" apart

note "$tmp/pointers.s" 6 32 1 1 24 1 0x2c1 $cold
must "$cc" $flags -DCOLD=0x8000000012345678 -o "$tmp/pointers" \
	"$here/x-hints-main.c" "$tmp/pointers.s" "$tmp/libquern-tokens.so.0" \
	-Wl,-rpath,"$tmp" -ldl
runs "a cold type with pointers" seed:1 "$tmp/pointers" apart

plugin=${builddir:-$PWD/build}/plugin/gcc/quern.so
if [ -f "$plugin" ] && gcc -O2 -DPLUGIN -I"$here" -I"$top/lib" \
	-fplugin="$plugin" -fplugin-arg-quern-tokens -o "$tmp/real" \
	"$here/x-hints-main.c" "$tmp/libquern-tokens.so.0" -Wl,-rpath,"$tmp" \
	-ldl 2>"$tmp/out"; then
	runs "records and tokens of a compiler" seed:1 "$tmp/real" apart
	runs "the same with hints:0" seed:1,hints:0 "$tmp/real" together
else
	skip "records and tokens of a compiler" "no plugin for gcc"
fi

must "$cc" -shared -o "$tmp/libcold.so" "$tmp/cold.s"
build needs -Wl,--no-as-needed "$tmp/libcold.so"
runs "a library that the program needs" seed:1 "$tmp/needs" apart
runs "a library that it opens" seed:1 "$tmp/plain" apart "$tmp/libcold.so"

# namesz descsz type version rec_size count
nr_case=0
while read -r words; do
	nr_case=$((nr_case + 1))
	note "$tmp/bad.s" $words $const_cold_typed $cold
	build bad "$tmp/bad.s"
	runs "damaged: $words" seed:1 "$tmp/bad" together
done <<-END
	6 32 1 2 24 1
	6 32 1 1 8 1
	6 32 2 1 24 1
	6 0xffffffff 1 1 24 1
	0xffffffff 32 1 1 24 1
	0xfffffff0 0xfffffff0 1 1 24 1
	6 4 1 1 24 1
	6 8 1 1 24 1
	7 32 1 1 24 1
END
note "$tmp/more.s" 6 32 1 1 24 0xffffffff $const_cold_typed $cold
build more "$tmp/more.s"
runs "a count that is too high: what there is counts" seed:1 "$tmp/more" apart

finish
