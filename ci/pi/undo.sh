# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Takes back what changes.sh has in its journal, the last change first.
# shellcheck disable=SC2154 # setup has root and dry_run, changes.sh has state, steps.sh has units

take_back_all() {
	local lines number
	if [ ! -e "$root$state/journal" ]; then
		echo "nothing to take back"
		return
	fi
	if [ "$dry_run" = no ]; then deactivate; fi
	mapfile -t lines <"$root$state/journal"
	for ((number = ${#lines[@]} - 1; number >= 0; number--)); do
		take_back "${lines[number]%% *}" "${lines[number]#* }"
		# What is done is done, also when the next one fails.
		if [ "$dry_run" = no ] && [ -e "$root$state/journal" ]; then truncate_journal "$number"; fi
	done
	if [ "$dry_run" = no ]; then reload; fi
}

truncate_journal() {
	head -n "$1" "$root$state/journal" >"$root$state/journal.new"
	mv "$root$state/journal.new" "$root$state/journal"
}

take_back() {
	local kind=$1 what=$2
	if [ "$dry_run" = yes ]; then
		echo "would take back: $kind $what"
		return
	fi
	echo "take back: $kind $what"
	case $kind in
	file) rm -f "$root$what" ;;
	replaced) mv -T "$root$state/replaced$what" "$root$what" ;;
	folder) remove_folder "$what" ;;
	account) remove_account "$what" ;;
	member) gpasswd ${root:+--root "$root"} --delete "${what% *}" "${what#* }" ;;
	packages) remove_packages "$what" ;;
	*) die "$root$state/journal has a line that this version does not know: $kind $what" ;;
	esac
}

remove_folder() {
	# The journal's own are the first that were made, and go last.
	if [ "$1" = "$state" ]; then rm -rf "$root$state"; fi
	rmdir "$root$1" 2>/dev/null || [ ! -d "$root$1" ] || echo "left as it is, since there is something in it: $1"
}

remove_account() {
	userdel ${root:+--prefix "$root"} "$1"
	# Its group has gone with it, unless login.defs says otherwise.
	if grep -q "^$1:" "$root/etc/group"; then groupdel ${root:+--prefix "$root"} "$1"; fi
}

remove_packages() {
	local -a packages
	read -ra packages <<<"$1"
	DEBIAN_FRONTEND=noninteractive apt-get purge -q -y "${packages[@]}"
}

deactivate() {
	if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl stop "${units[@]}" || true; fi
}

reload() {
	if [ -n "$root" ] || [ ! -d /run/systemd/system ]; then return; fi
	systemctl daemon-reload
	systemctl kill --signal=HUP systemd-logind.service
	udevadm control --reload
}
