# SPDX-License-Identifier: Apache-2.0
# steps: what quickstart says while it works: steps with their times, waits that end, failures that name a log
# shellcheck shell=bash
#
# step    the step that is on its way, or nothing
# times   a line for each that is done

say() {
	printf '%s\n' "$*"
}

die() {
	printf 'quickstart: %s\n' "$1" >&2
	shift
	[ $# -eq 0 ] || printf '            %s\n' "$@" >&2
	exit 1
}

# A step: its name, then how long it took and what came out of it.
begin() {
	step=$1
	step_start=$EPOCHREALTIME
	say "==> $step"
}

end() {
	local took
	took=$(awk -v a="$step_start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	say "    done in $took s${1:+: $1}"
	times+=("$(printf '%7s s  %s' "$took" "$step")")
	step=
}

summary() {
	say ''
	printf '%s\n' "${times[@]}"
	say "  total: $SECONDS s"
}

# Poll until a command succeeds: wait_for SECONDS COMMAND...
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.2
	done
}

# A command whose output only matters when it fails.
quietly() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	"$@" </dev/null >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		die "$step failed; all of its output: $log"
	}
}

# The same for what was put into the background with its output in LOG: joined LOG PID
joined() {
	wait "$2" || {
		tail -n 40 "$1" >&2
		die "$step failed; all of its output: $1"
	}
}
