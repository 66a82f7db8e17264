# shellcheck shell=bash
# What every lab command starts with: strict mode, paths, messages, long steps, cleaning up.

set -euo pipefail

lab_project=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
lab_cache=${XDG_CACHE_HOME:-$HOME/.cache}/tide
lab_out=$lab_project/build/lab

# The status of a command of the lab's that failed before its own work began.
readonly lab_broken=125

say() {
	printf 'lab: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit "$lab_broken"
}

# Jobs are process groups, so that ending one ends all that it started. A ctrl-C of the terminal does
# not reach them: the traps hand it on, also from one job to those that it started in turn.
declare -A lab_jobs=()
lab_scratch=() # folders to remove in the end

clean_up() {
	local pid
	for pid in "${!lab_jobs[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || true
		wait "$pid" || true
	done
	rm -rf "${lab_scratch[@]}"
}

set_traps() {
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

set_traps

# Nobody writes to it. Reading it with a timeout is sleeping without a process.
exec {lab_silence}<> <(:)

run_job() {
	lab_jobs=()
	lab_scratch=()
	set_traps
	"$@"
}

# start COMMAND...: runs a job in the background, $job
start() {
	set -m
	run_job "$@" </dev/null &
	job=$!
	set +m
	lab_jobs[$job]=1
}

# finish JOB: waits for it and returns its status
finish() {
	local status=0
	wait "$1" || status=$?
	unset "lab_jobs[$1]"
	return "$status"
}

# step TITLE COMMAND...: runs a long command with its output in a log, and shows that it lives
step() {
	local title=$1 began=$SECONDS next=15 log job status=0
	shift
	mkdir -p "$lab_out"
	log=$lab_out/${title//[^[:alnum:]]/-}.log
	say "$title ..."
	start "$@" >"$log" 2>&1
	while kill -0 "$job" 2>/dev/null; do
		read -rt 0.2 -u "$lab_silence" || true
		if ((SECONDS - began >= next)); then
			say "  $((SECONDS - began)) s: $(tail -n 1 "$log" | cut -c1-100)"
			((next += 15))
		fi
	done
	finish "$job" || status=$?
	if ((status)); then
		tail -n 40 "$log" >&2
		die "$title: failed; all of it is in $log"
	fi
	say "$title: done in $((SECONDS - began)) s"
}
