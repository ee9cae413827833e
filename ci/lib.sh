# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What ci/test, ci/full and ci/cross share: where things are, building, testing, and running stages one by one.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH"
jobs=${JOBS:-$(nproc)}
launcher=() # goes before programs that are run
# what a stage returns that has nothing to do on this machine
readonly not_here=77

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# built FOLDER [CMAKE-OPTION...]: configures and builds lib/ there; again only what has changed.
built() {
	local folder=$1 generator=()
	shift
	if [ ! -e "$folder/CMakeCache.txt" ]; then generator=(-G Ninja); fi
	cmake -S lib -B "$folder" "${generator[@]}" "$@" >"$folder.log" 2>&1 || {
		tail -n 40 "$folder.log" >&2
		die "cmake can't configure $folder"
	}
	rm -f "$folder.log"
	cmake --build "$folder" -j "$jobs"
}

# tested FOLDER [CTEST-OPTION...]: no test that fits the options is an error too.
tested() {
	local folder=$1
	shift
	"${launcher[@]}" ctest --test-dir "$folder" --output-on-failure --no-tests=error --timeout 900 "$@"
}

# all_tested FOLDER EXCLUDED-LABELS: first the untimed in parallel, then the timed, each alone. Both, whatever the first
# one says.
all_tested() {
	local untimed=0 timed=0
	tested "$1" -j "$jobs" -LE "timed|$2" || untimed=$?
	tested "$1" -L timed -LE "$2" || timed=$?
	return $((untimed | timed))
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

# The script that reads this file has the table; each line of it: a name, a bar, a description.
# shellcheck disable=SC2154
stage_names() { printf '%s\n' "${stages[@]%%|*}" | tr -d ' '; }

list_stages() {
	local row
	for row in "${stages[@]}"; do printf '%-16s%s\n' "$(tr -d ' ' <<<"${row%%|*}")" "${row#*| }"; done
}

print_summary() {
	printf '\n%-16s%8s  %s\n' stage seconds result
	printf '%s\n' "${summary[@]}"
}

end_stage() { if [ "$stage_pid" != 0 ]; then kill -TERM -- "-$stage_pid" 2>/dev/null || true; fi; }

# run_stages NAME...: each stage is a shell of its own (the script, called with --run NAME), ended by its first error.
# The others run all the same.
run_stages() {
	local name started status result stage_pid=0 failed=()
	summary=()
	for name; do grep -qxF -- "$name" <(stage_names) || die "no such stage: $name (--list tells which there are)"; done
	trap 'end_stage; print_summary; echo "interrupted" >&2; exit 130' INT TERM
	for name; do
		printf '\n=== %s\n' "$name"
		started=$SECONDS status=0
		set -m # a process group of its own, so that all of it can be ended
		"$0" --run "$name" </dev/null &
		stage_pid=$!
		set +m
		wait "$stage_pid" || status=$?
		case $status in
		0) result=ok ;;
		"$not_here") result='not on this machine' ;;
		*) result="FAILED ($status)" failed+=("$name") ;;
		esac
		printf '=== %s: %s, %d s\n' "$name" "$result" $((SECONDS - started))
		summary+=("$(printf '%-16s%8d  %s' "$name" $((SECONDS - started)) "$result")")
		if [ "$name:$status" = "bootstrap:1" ]; then break; fi
	done
	print_summary
	if [ ${#failed[@]} -gt 0 ]; then
		printf '\nFAILED: %s\n' "${failed[*]}"
		return 1
	fi
	printf '\nall stages passed\n'
}
