# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What ci/test and ci/full share: running stages. The script that reads this file has, besides a function for each stage:
#     stages          the table; each line of it: a name, a bar, a description
#     beside          lanes of stages that need no quiet machine, if any: those of a lane run one after the other, several
#                     lanes beside each other
#     stage_limit_s   after which a stage is ended; meant for a machine in trouble

stage_names() { printf '%s\n' "${stages[@]%%|*}" | tr -d ' '; }

list_stages() {
	local row
	for row in "${stages[@]}"; do printf '%-16s%s\n' "$(tr -d ' ' <<<"${row%%|*}")" "${row#*| }"; done
}

print_summary() {
	local name
	printf '\n%-16s%8s%8s  %s\n' stage seconds 'CPU s' result
	for name; do if [ -e "$told/$name" ]; then cat "$told/$name"; fi; done
}

# Ends them, and waits: a stage still writes its times when it ends.
end_stages() {
	local pid
	if [ "$stage_pid" != 0 ] && kill -TERM -- "-$stage_pid" 2>/dev/null; then wait "$stage_pid" || true; fi
	for pid in "${lane_pids[@]}"; do
		if kill -TERM "$pid" 2>/dev/null; then wait "$pid" || true; fi
	done
}

# stage_itself NAME: what the script does that run_stage has started.
stage_itself() {
	trap 'times >"$TIMES"' EXIT # here, since the shell that runs lanes too can't tell whose time it was
	"stage_$1"
}

# cpu_s FILE: prints the seconds of processor time that times has told; a stage that was killed has told none.
cpu_s() {
	local parts=() part minutes seconds cpu=0
	read -r -d '' -a parts 2>/dev/null <"$1" || true # which is what a file's end is
	for part in "${parts[@]}"; do
		minutes=${part%m*} seconds=${part#*m}
		cpu=$((cpu + 60 * minutes + ${seconds%%[.,]*}))
	done
	echo "$cpu"
}

# run_stage NAME: a shell of its own (the script, called with --run NAME), ended by its first error.
run_stage() {
	local name=$1 started=$SECONDS status=0 result
	printf '\n=== %s\n' "$name"
	set -m # a process group of its own, so that all of it can be ended
	TIMES=$told/$name.times timeout --kill-after=30 "$stage_limit_s" "$0" --run "$name" </dev/null &
	stage_pid=$!
	set +m
	wait "$stage_pid" || status=$?
	stage_pid=0
	case $status in
	0) result=ok ;;
	"$not_here") result='not on this machine' ;;
	124) result="FAILED (not done after $stage_limit_s s)" ;;
	*) result="FAILED ($status)" ;;
	esac
	printf '=== %s: %s, %d s\n' "$name" "$result" $((SECONDS - started))
	printf '%-16s%8d%8d  %s\n' "$name" $((SECONDS - started)) "$(cpu_s "$told/$name.times")" "$result" >"$told/$name"
}

failed() { grep -qs FAILED "$told/$1"; }

# run_lane NAME...: behind another stage. What each says is said at its end.
run_lane() {
	local name stage_pid=0 lane_pids=()
	trap 'end_stages; exit 130' TERM
	for name; do
		run_stage "$name" >"$told/$name.log" 2>&1
		cat "$told/$name.log"
	done
}

# lane_of NAME: prints the number of the lane that the stage is in, if it is in one.
lane_of() {
	local number
	for number in "${!beside[@]}"; do
		if [[ " ${beside[number]} " == *" $1 "* ]]; then echo "$number"; fi
	done
}

# run_stages NAME...: one after the other, whatever becomes of any. Those in lanes run behind the next one that is in none.
run_stages() {
	local name lane stage_pid=0 lane_pids=() lanes=() failed=() chosen=("$@")
	for name; do grep -qxF -- "$name" <(stage_names) || die "no such stage: $name (--list tells which there are)"; done
	told=$(mktemp -d)
	trap 'rm -rf "$told"' EXIT # which runs where a local variable would be gone
	trap 'end_stages; print_summary "${chosen[@]}"; echo "interrupted" >&2; exit 130' INT TERM
	for name; do
		lane=$(lane_of "$name")
		if [ -n "$lane" ]; then
			lanes[lane]+=" $name"
			continue
		fi
		for lane in "${lanes[@]}"; do
			# shellcheck disable=SC2086 # its stages
			run_lane $lane &
			lane_pids+=($!)
		done
		lanes=()
		run_stage "$name"
		for lane in "${lane_pids[@]}"; do wait "$lane" || true; done
		lane_pids=()
		if [ "$name" = bootstrap ] && failed bootstrap; then break; fi
	done
	# shellcheck disable=SC2048 # the stages of each
	for name in ${lanes[*]}; do run_stage "$name"; done
	print_summary "$@"
	for name; do if failed "$name"; then failed+=("$name"); fi; done
	if [ ${#failed[@]} -gt 0 ]; then
		printf '\nFAILED: %s\n' "${failed[*]}"
		return 1
	fi
	printf '\nall stages passed\n'
}
