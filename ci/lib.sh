# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What ci/test, ci/full, ci/cross and others share: where things are, building and testing.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"
unset PYTHONDONTWRITEBYTECODE # each of the programs that tests start would compile all that it imports
jobs=${JOBS:-$(nproc)}
tests_at_once=$((3 * jobs)) # most of them sleep most of the time
launcher=() # goes before programs that are run
# what a stage returns that has nothing to do on this machine
# shellcheck disable=SC2034
readonly not_here=77

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# built FOLDER [CMAKE-OPTION...]: configures and builds lib/ there; again only what has changed. Another one that does so
# there waits.
built() {
	local folder=$1 generator=() lock
	shift
	mkdir -p "$folder"
	exec {lock}<"$folder"
	flock "$lock"
	if [ ! -e "$folder/CMakeCache.txt" ]; then generator=(-G Ninja); fi
	cmake -S lib -B "$folder" "${generator[@]}" "$@" >"$folder.log" 2>&1 || {
		tail -n 40 "$folder.log" >&2
		die "cmake can't configure $folder"
	}
	rm -f "$folder.log"
	cmake --build "$folder" -j "$jobs"
	exec {lock}<&-
}

# own_shm COMMAND...: runs it with a /dev/shm of its own, of huge pages where the kernel has them: a ring is made, mapped
# and removed in a fraction of the time then. Where that is not permitted, with the one that is there.
own_shm() {
	# shellcheck disable=SC2016 # the inner shell's arguments
	local mount='mount -t tmpfs -o mode=1777,huge=within_size tmpfs /dev/shm 2>/dev/null; exec "$@"'
	if unshare --mount true 2>/dev/null; then
		unshare --mount sh -c "$mount" sh "$@"
	else
		"$@"
	fi
}

# tested FOLDER [CTEST-OPTION...]: no test that fits the options is an error too. What wants the machine for itself is
# RUN_SERIAL, and runs when all others are done.
tested() {
	local folder=$1
	shift
	"${launcher[@]}" ctest --test-dir "$folder" -j "$tests_at_once" --output-on-failure --no-tests=error --timeout 900 "$@"
}

# The label of tests that can't run here, to be left out; one that no test has, where all can.
impossible_label() {
	if [ "$(id -u)" = 0 ]; then
		echo none
	else
		echo "tests that need root are left out" >&2
		echo root
	fi
}

# Sanitizers need their shadow memory free: older ones collide with the wide randomisation of newer kernels.
fix_addresses() {
	if setarch -R true 2>/dev/null; then launcher=(setarch -R); fi
}
