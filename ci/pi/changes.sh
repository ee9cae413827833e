# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# How setup changes a system: each change is told; it is made unless this is a dry run; and a journal keeps it, before it
# is made, so that undo.sh finds it even if the machine lost its power on the way.
# shellcheck disable=SC2154 # setup has root, kit and dry_run

readonly state=/var/lib/video-shm/setup # the journal, and the files that were replaced
changed=0

die() {
	printf 'setup: %s\n' "$1" >&2
	exit "${2:-1}"
}

# Tells a change. False: it is not to be made now.
begin_change() {
	changed=$((changed + 1))
	if [ "$dry_run" = yes ]; then
		echo "would $*"
		return 1
	fi
	echo "$*"
}

# The journal begins with the folders that are made for itself.
open_journal() {
	local -a folders
	if [ -e "$root$state/journal" ]; then return; fi
	mapfile -t folders < <(missing_folders "$state")
	mkdir -p "$root$state"
	printf 'folder %s\n' "${folders[@]}" >"$root$state/journal"
}

# journal KIND WHAT: KIND is folder, file, replaced, account, member or packages.
journal() {
	open_journal
	printf '%s %s\n' "$1" "$2" >>"$root$state/journal"
}

is_journalled() { grep -qxF -e "file $1" -e "replaced $1" "$root$state/journal" 2>/dev/null; }

# The folder and those above it that are not there, the outermost first.
missing_folders() {
	if [ -d "$root$1" ]; then return; fi
	missing_folders "$(dirname "$1")"
	echo "$1"
}

make_folder() {
	local folder
	while read -r folder; do
		journal folder "$folder"
		mkdir -m 755 "$root$folder"
	done < <(missing_folders "$1")
}

# Before a file is written: it is new, or the one that is there is kept.
keep_before() {
	make_folder "$(dirname "$1")"
	if is_journalled "$1"; then return; fi
	if [ -e "$root$1" ] || [ -L "$root$1" ]; then
		open_journal
		mkdir -p "$root$state/replaced$(dirname "$1")"
		cp -a "$root$1" "$root$state/replaced$1"
		journal replaced "$1"
	else
		journal file "$1"
	fi
}

# install_file NAME TARGET [MODE]: of files/.
install_file() {
	local source=$kit/files/$1 target=$2 mode=${3:-644}
	if [ ! -L "$root$target" ] && cmp -s "$source" "$root$target" && [ "$(stat -c %a "$root$target")" = "$mode" ]; then
		return
	fi
	begin_change "install $target" || return 0
	keep_before "$target"
	rm -f "$root$target"
	install -m "$mode" "$source" "$root$target"
}

# What systemctl enable does, also where systemd does not run.
enable_unit() {
	local unit=/etc/systemd/system/$1
	local link=/etc/systemd/system/multi-user.target.wants/$1
	if [ "$(readlink "$root$link")" = "$unit" ]; then return; fi
	begin_change "enable $1" || return 0
	keep_before "$link"
	ln -sfn "$unit" "$root$link"
}
