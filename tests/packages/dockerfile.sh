#!/bin/bash
# SPDX-License-Identifier: MIT
#
# dockerfile.sh - make check-docker: the lines of Dockerfile, one by one, in a chroot. It
# knows those that Dockerfile has; another one is an error.
#
#	dockerfile.sh BUILD-FOLDER [ARGUMENTS OF THE ENTRY POINT]
#
# Needs root and debootstrap; no Docker.

set -u
me=dockerfile.sh
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${1:?usage: dockerfile.sh BUILD-FOLDER [ARGUMENTS]}
shift
. "$here/chroot.sh"

die()
{
	echo "$me: $*" >&2
	exit 1
}

# The files that git knows, as they are: COPY . of a clean tree
copy()
{
	rm -rf "$root$1" && mkdir -p "$root$1" &&
		(cd "$top" && git ls-files -z --cached |
			tar --null -T - -cf -) | tar xf - -C "$root$1"
}

workdir=/
entry=
make_root
while read -r word rest; do
	case $word in
	'' | '#'*) ;;
	FROM) [ "$rest" = debian:bookworm ] || die "not made for FROM $rest" ;;
	COPY) copy "${rest#. }" || die "COPY failed" ;;
	WORKDIR) workdir=$rest ;;
	RUN) inside sh -c "cd $workdir && $rest" || die "RUN $rest failed" ;;
	ENTRYPOINT) entry=$(echo "$rest" | tr -d '[]",') ;;
	CMD) [ $# -gt 0 ] || set -- $(echo "$rest" | tr -d '[]",') ;;
	*) die "Dockerfile has $word, which this does not know" ;;
	esac
done <"$top/Dockerfile"
inside sh -c "cd $workdir && exec $entry \"\$@\"" sh "$@"
