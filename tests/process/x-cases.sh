#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-cases.sh - inputs that once failed, each a whole kind of fault.
#
#	tests/process/x-cases.sh [NAME...]
#
# A case is a file cases/*/NAME.case: shell that builds and runs its sources with
# the words below and says what is right. The script prints a line of TAP for each
# run, and at the end a table: the case, what its run printed, and what is right.
# A case whose tools are missing is skipped.

names="$*"
set --
. "$(dirname "$0")/../x.sh"
ulimit -c 0
table=$tmp/table

# --- the words of a case ----------------------------------------------------

build() # SOURCE [FLAGS...]: a program of that name, without its ending, in $tmp
{
	source=$1
	shift
	case $source in
	*.cc) must $cxx -O1 -g -w -fno-builtin -o "$tmp/${source%.cc}" "$case_dir/$source" "$@" ;;
	*) must $cc -O1 -g -w -fno-builtin -o "$tmp/${source%.c}" "$case_dir/$source" "$@" \
		-ldl -lpthread ;;
	esac
}

build_plugin() # SOURCE OUTPUT [FLAGS...]: a shared object in $tmp
{
	source=$1
	output=$2
	shift 2
	must $cc -O1 -g -w -fno-builtin -fPIC -shared -o "$tmp/$output" \
		"$case_dir/$source" "$@"
}

# A firmware of SOURCE and others of the tree for the STM32F407, as $tmp/NAME.elf; false
# where there is no cross compiler or emulator, and the case is skipped then
image() # NAME SOURCE [FLAGS AND SOURCES...]
{
	name=$1
	shift
	command -v arm-none-eabi-gcc >"$tmp/out" &&
		command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >"$tmp/out" || {
		skip "$case_name" "no arm-none-eabi-gcc or no qemu-system-arm"
		return 1
	}
	must arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 \
		-mfloat-abi=hard -Os -w -fno-builtin -nostartfiles \
		-I"$top/lib" -I"$top/embedded" -L"$top/embedded" -T stm32f407.ld \
		-o "$tmp/$name.elf" "$case_dir/$@" \
		"$top"/embedded/{board,console,print,semihost,startup,syscalls}.c \
		"${lib%/*}/libquern-stm32f407.a"
}

run_image() # NAME: in QEMU
{
	"$top/embedded/run-qemu.sh" -t 30 "$tmp/$1.elf" >"$tmp/out" 2>&1
	status=$?
}

run() # COMMAND...: in $tmp, under the library; what it prints is in $tmp/out
{
	(cd "$tmp" && exec timeout -k 5 "${limit:-60}" \
		env LD_PRELOAD="$lib" "$@") >"$tmp/out" 2>&1
	status=$?
}

number() # REGEX: the number that its \(...\) finds in what was printed
{
	sed -n "s/.*$1.*/\1/p" "$tmp/out" | tail -n 1
}

# What is printed is judged by one of these; the last argument is what is right, in words
prints() # REGEX WORDS: status 0 and a line of the output has it
{
	[ $status -eq 0 ] && grep -Eq -- "$1" "$tmp/out"
	verdict "$2" $?
}

at_most() # REGEX BOUND WORDS: the number is there and not larger
{
	value=$(number "$1")
	[ $status -eq 0 ] && [ -n "$value" ] && [ "$value" -le "$2" ]
	verdict "$3" $?
}

at_least() # REGEX BOUND WORDS: the number is there and not smaller
{
	value=$(number "$1")
	[ $status -eq 0 ] && [ -n "$value" ] && [ "$value" -ge "$2" ]
	verdict "$3" $?
}

is_stopped() # REGEX WORDS: SIGABRT, and a message that has it
{
	[ $status -eq 134 ] && grep -Eq -- "^quern: .*$1" "$tmp/out"
	verdict "$2" $?
}

verdict() # WORDS STATUS
{
	ok "$case_name: $1" "$2"
	[ "$2" -eq 0 ] || {
		echo "# exit status $status; it printed:"
		show "$tmp/out"
	}
	printf '# | %s | %s | %s |\n' "$case_name" \
		"$(tr '\n|' '  ' <"$tmp/out" | cut -c 1-100)" "$1" >>"$table"
}

# --- all of them ------------------------------------------------------------

for file in "$here"/../cases/*/*.case; do
	case_name=$(basename "$file" .case)
	case_dir=$(dirname "$file")
	case " $names " in
	"  " | *" $case_name "*) . "$file" ;;
	esac
done
[ $nr -gt 0 ] || {
	echo "Bail out! there is no case named $names"
	exit 99
}
echo "# | case | printed | right |"
echo "# | --- | --- | --- |"
cat "$table" 2>/dev/null
finish
