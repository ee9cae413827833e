# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What makes a Raspberry Pi a runner, step by step; each can be done again.
# shellcheck disable=SC2154 # setup has root, kit and dry_run

readonly account=video-shm # a system's, not a person's: logind leaves its shared memory alone
readonly home=/var/lib/video-shm/runner
readonly programs=/usr/local/lib/video-shm
readonly units=(video-shm-governor.service video-shm-vivid.service video-shm-runner.service)

check_system() {
	local system
	# shellcheck source=/dev/null
	system=$(. "$root/etc/os-release" && echo "$ID:${VERSION_CODENAME:-} $PRETTY_NAME") ||
		die "$root/etc/os-release does not tell what this is"
	case $system in
	debian:bookworm\ * | debian:trixie\ * | raspbian:bookworm\ * | raspbian:trixie\ *) ;;
	*) die "this is for Raspberry Pi OS and Debian, Bookworm or Trixie; here is ${system#* }" ;;
	esac
}

# All that jobs need: the runner's account may not install any.
install_packages() {
	local missing before
	if [ -n "$root" ]; then return; fi # activate says so
	missing=$("$kit/../bootstrap" --missing base hil pi)
	[ -n "$missing" ] || return 0
	begin_change "install packages: ${missing//$'\n'/, }" || return 0
	before=$(installed_packages)
	"$kit/../bootstrap" --packages base hil pi
	journal packages "$(comm -13 <(echo "$before") <(installed_packages) | tr '\n' ' ')"
}

installed_packages() { dpkg-query -W -f '${db:Status-Abbrev}${binary:Package}\n' | sed -n 's/^ii *//p' | sort; }

make_account() {
	local prefix=()
	if [ -n "$root" ]; then prefix=(--prefix "$root"); fi
	if ! grep -q "^$account:" "$root/etc/passwd"; then
		if begin_change "make the system account $account, in the group video"; then
			journal account "$account"
			useradd "${prefix[@]}" --system --user-group --groups video --home-dir "$home" --no-create-home \
				--shell /bin/bash "$account"
		fi
	elif ! grep -qE "^video:.*[:,]$account(,|$)" "$root/etc/group"; then
		if begin_change "make $account a member of the group video"; then
			journal member "$account video"
			usermod "${prefix[@]}" --append --groups video "$account"
		fi
	fi
	if [ ! -d "$root$home" ]; then
		begin_change "make $home" || return 0
		make_folder "$home"
		chown "$(sed -n "s/^$account:[^:]*:\([0-9]*:[0-9]*\):.*/\1/p" "$root/etc/passwd")" "$root$home"
	fi
}

give_access() { install_file 60-video-shm.rules /etc/udev/rules.d/60-video-shm.rules; }

# Its nodes have numbers that no camera gets, and it is loaded only where no camera is.
load_vivid() {
	install_file vivid.conf /etc/modprobe.d/video-shm-vivid.conf
	install_file no-camera "$programs/no-camera" 755
	install_file video-shm-vivid.service /etc/systemd/system/video-shm-vivid.service
	enable_unit video-shm-vivid.service
}

set_governor() {
	install_file governor "$programs/governor" 755
	install_file video-shm-governor.service /etc/systemd/system/video-shm-governor.service
	enable_unit video-shm-governor.service
}

keep_shared_memory() { install_file logind.conf /etc/systemd/logind.conf.d/video-shm.conf; }

install_runner() {
	install_file job-started "$programs/job-started" 755
	install_file job-started.sh "$programs/job-started.sh" 755
	install_file video-shm-runner.service /etc/systemd/system/video-shm-runner.service
	enable_unit video-shm-runner.service
}

# Without a boot, where systemd runs.
activate() {
	if [ -n "$root" ]; then
		echo "packages were left out: run this once more on the board itself"
		return
	elif [ ! -d /run/systemd/system ]; then
		echo "it takes effect at the next boot"
		return
	fi
	systemctl daemon-reload
	systemctl kill --signal=HUP systemd-logind.service
	udevadm control --reload
	udevadm trigger --subsystem-match=video4linux --subsystem-match=media --subsystem-match=dma_heap --sysname-match=vcio
	systemctl start "${units[@]}"
}

tell_how_to_register() {
	cat <<-TEXT

		The runner itself, once: unpack GitHub's actions-runner for this processor into $home, then
		    cd $home && sudo -u $account ./config.sh --url REPOSITORY --token TOKEN --labels pi4    # or pi5
		    sudo systemctl restart video-shm-runner
		In the repository's settings the environment bench-forks needs reviewers: GitHub makes it without.
		For GitLab: gitlab-runner install --user $account, and gitlab-runner register --executor shell --tag-list pi4
	TEXT
}
