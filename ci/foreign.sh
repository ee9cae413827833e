# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A Debian of another processor as a folder, whose programs run here under emulation. Sourced by what uses one; needs root.

foreign_cache=${XDG_CACHE_HOME:-$HOME/.cache}/video-shm/roots
foreign_suite=bookworm

# foreign_set_up ARCHITECTURE: what has to be here first.
foreign_set_up() {
	local emulator
	[ "$(id -u)" = 0 ] || die "a system of another processor can be made only by root: sudo $0"
	ci/bootstrap base hil foreign
	case $1 in
	arm64) emulator=qemu-aarch64 ;;
	armhf) emulator=qemu-arm ;;
	*) die "no such architecture: $1; there are arm64 and armhf" ;;
	esac
	if [ "$1" = "$(dpkg --print-architecture)" ]; then return; fi
	if [ ! -e /proc/sys/fs/binfmt_misc/status ]; then
		mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || die "this kernel can't start programs of others"
	fi
	# Without systemd nobody does this at boot.
	if [ ! -e "/proc/sys/fs/binfmt_misc/$emulator" ]; then
		cat "/usr/lib/binfmt.d/$emulator.conf" >/proc/sys/fs/binfmt_misc/register
	fi
}

# foreign_root ARCHITECTURE: prints the folder of a small system, which is made once and kept in the cache.
foreign_root() {
	local root=$foreign_cache/$1-$foreign_suite
	mkdir -p "$foreign_cache"
	# A command substitution does not end at an error by itself.
	(
		flock 8 || exit
		[ ! -d "$root" ] || exit 0
		echo "making a small Debian of $1 in $root, once" >&2
		rm -rf "$root.new"
		mmdebstrap --quiet --architectures="$1" --variant=minbase --include=ca-certificates "$foreign_suite" \
			"$root.new" >&2 && mv "$root.new" "$root"
	) 8>"$foreign_cache/lock" || die "no small Debian of $1 came of it: see above"
	echo "$root"
}

# in_root ROOT COMMAND...: with this checkout at /mnt/source, read-only, this machine's certificate authorities (a proxy may
# have one of its own), and mounts that end with the command.
in_root() {
	local root=$1
	shift
	mkdir -p "$root/mnt/source"
	# shellcheck disable=SC2016 # for the shell inside
	unshare --mount --pid --fork --kill-child sh -euc '
		root=$1 authorities=$2
		shift 2
		mount --bind -o ro . "$root/mnt/source"
		mount -o remount,bind,ro "$root/mnt/source"
		mount --bind "$(readlink -f "$authorities")" "$root$authorities"
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive PIP_CERT="$authorities" "$@"
	' in_root "$root" /etc/ssl/certs/ca-certificates.crt "$@"
}
