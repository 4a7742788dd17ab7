# SPDX-License-Identifier: MIT
#
# calls.sh - rows of faults.sh in which system calls are refused, by strace or by a sandbox.

# What a kernel may answer to each. That it wakes nobody is nothing that a futex may answer.
faults='mmap:ENOMEM munmap:ENOMEM mprotect:ENOMEM madvise:ENOMEM mremap:ENOMEM
clone,clone3:EAGAIN openat:EMFILE getrandom:ENOSYS'

# How often a program makes a call, and the first of these that is not the loader's: it knows no
# refusal in some places, with whatever malloc. The heap's first mapping tells where it ends.
count() # CALLS
{
	strace -f -qq -o "$tmp/trace" -e trace="$1,mmap" -e signal=none \
		-E "LD_PRELOAD=$lib" "${command[@]}" >/dev/null 2>&1 </dev/null
	awk -v calls=",$1," '
	match($0, /[a-z_0-9]+\(/) && index(calls, "," substr($0, RSTART, RLENGTH - 1) ",") { n++ }
	/MAP_NORESERVE/ && !first { first = n + (calls !~ /,mmap,/) }
	END { print n + 0, first ? first : 1 }' "$tmp/trace"
}

# strace keeps the malloc that it has; only the program gets the library
inject() # PROGRAM CALLS:ERROR WHEN
{
	attempt "$1" strace -f -qq -o /dev/null -e trace="${2%:*}" -e signal=none \
		-e "inject=${2%:*}:error=${2#*:}:when=$3" -E "LD_PRELOAD=$lib" "${command[@]}"
}

# For each call its count in each program, and a run for each of some places: numbers of the call
# that is refused, with what strace wants to know of those behind it
places() # TITLE SUFFIX MOST
{
	local fault program n first step place

	[ -n "$has_strace" ] || {
		cannot "$1" "$programs" 'no strace that may trace'
		return
	}
	for fault in $faults; do
		begin
		for program in $programs; do
			command_of "$program"
			expect "$program"
			read -r n first < <(count "${fault%:*}")
			step=$(((n - first + 1) / $3 > 0 ? (n - first + 1) / $3 : 1))
			for ((place = first; place <= n; place += step)); do
				inject "$program" "$fault" "$place$2"
			done
		done
		tell "$1: ${fault/:/ }" "$programs"
	done
}

calls_refused_once()
{
	[ -n "$is_short" ] || places 'once' '' 100
}

calls_refused_on()
{
	local programs=$programs

	[ -z "$is_short" ] || programs='sqlite3 threads'
	places 'from then on' '+' "$(either 2 20)"
}

calls_refused_often()
{
	[ -n "$is_short" ] || places 'each third' '+3' 10
}

# --- sandboxes ---

# Calls whose refusal a program itself survives; what the C library needs of them is its own
denied()
{
	local error calls program
	local all=madvise,mremap,munmap,clone,clone3,prctl,mincore,close_range

	"$deny" EPERM mremap true 2>/dev/null || {
		cannot 'seccomp' "$programs" 'this machine has no filters'
		return
	}
	for error in EPERM ENOSYS; do
		for calls in $(either $all "madvise mremap munmap clone,clone3 clone3
			getrandom,prctl,prlimit64 $all"); do
			begin
			for program in $programs; do
				command_of "$program"
				expect "$program"
				attempt "$program" "$deny" $error $calls env \
					"LD_PRELOAD=$lib" "${command[@]}"
			done
			tell "seccomp: $error for $(shorten $calls)" "$programs"
		done
	done
}

shorten() # CALLS
{
	case $1 in
	*mincore*) echo 'all of these' ;;
	*) echo "$1" ;;
	esac
}

calls_made() # COMMAND...
{
	strace -f -qq -o "$tmp/trace" -e signal=none "$@" >/dev/null 2>&1 </dev/null
	sed -nE 's/^([0-9]+ +)?([a-z_0-9]+)\(.*/\2/p' "$tmp/trace" | sort -u
}

# A sandbox that kills for an unknown call lets a program through that it let through before, if
# it knows those of SECURITY.md
beyond_documented()
{
	local program

	[ -n "$has_strace" ] || {
		cannot 'calls that are not documented' "$programs" 'no strace that may trace'
		return
	}
	sed -n '/^## What it asks/,/^A process/p' "$top/SECURITY.md" |
		grep -oE '[a-z_0-9]+' | sort -u >"$tmp/documented"
	begin
	for program in $programs; do
		command_of "$program"
		runs=$((runs + 1))
		calls_made -E LD_PRELOAD= "${command[@]}" >"$tmp/without"
		calls_made -E "LD_PRELOAD=$lib" "${command[@]}" | comm -23 - "$tmp/without" |
			comm -23 - "$tmp/documented" >"$tmp/new"
		[ -s "$tmp/new" ] || continue
		failed=$((failed + 1))
		echo "FAILED, calls that SECURITY.md does not name: $program: $(paste -s -d ' ' "$tmp/new")"
	done
	tell 'calls that are not documented' "$programs"
}
