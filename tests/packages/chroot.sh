# SPDX-License-Identifier: MIT
#
# chroot.sh - a bare Debian 12 to try things in: sourced by the scripts here.
#
# It takes the mirror, and how to reach it, from this machine. In the environment:
#
#	ROOT	where it is kept (default: a folder in the build folder); remove it for a
#		fresh one
#
# A script calls make_root, then inside COMMAND. Whatever it mounted is gone at the end.

need_root()
{
	[ "$(id -u)" = 0 ] || die "this makes a chroot: run it as root"
	command -v debootstrap >/dev/null ||
		die "no debootstrap (Debian: apt-get install debootstrap)"
}

mirror()
{
	sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null
	sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
		/etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
}

leave()
{
	umount -l "$root/dev" "$root/proc" 2>/dev/null
}

# As this machine reaches its mirror
copy_network()
{
	local folder

	for folder in /etc/apt/apt.conf.d /etc/apt/sources.list.d \
		/usr/local/share/ca-certificates /etc/ssl/certs; do
		[ ! -d "$folder" ] || mkdir -p "$root$folder"
		[ ! -d "$folder" ] || cp -rL "$folder/." "$root$folder/" 2>/dev/null
	done
	cp -L /etc/resolv.conf /etc/hosts "$root/etc" 2>/dev/null
	[ ! -s /etc/apt/sources.list ] ||
		cp /etc/apt/sources.list "$root/etc/apt"
}

make_root()
{
	need_root
	root=${ROOT:-$build/bare-debian}
	if [ ! -d "$root/usr" ]; then
		debootstrap --variant=minbase --include=ca-certificates bookworm \
			"$root" "$(mirror | head -n 1)" >"$build/debootstrap.log" ||
			die "debootstrap failed: $build/debootstrap.log"
		rm -f "$root/etc/apt/sources.list"
		copy_network
	fi
	trap leave EXIT
	mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
	mountpoint -q "$root/dev" || mount --rbind /dev "$root/dev"
	inside apt-get -qq update || die "apt-get update failed in $root"
}

inside()
{
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
