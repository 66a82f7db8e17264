# shellcheck shell=bash
# Running tests and keeping count of them. All of it is in build/lab/test: for each test NAME.log and
# NAME.dmesg, and `results`, with PASS, FAIL or SKIP, the test or subtest, and a reason.

test_out=$lab_out/test
test_durations=$lab_out/durations # of tests, in seconds, when they last ran
test_patience=1                   # by how much their timeouts grow
test_long=0                       # 1: also the tests of the suite `long`
test_guests=2 # at once

# test_result RESULT NAME [REASON]
test_result() {
	printf '%s\n' "$*" >>"$test_out/results"
}

# test_count RESULT [TEST]
test_count() {
	awk -v result="$1" -v test="${2-}" '
		$1 == result && (test == "" || $2 == test || index($2, test "@") == 1) { n++ }
		END { print n + 0 }
	' "$test_out/results"
}

# test_list host|lab|guest [NAME...]
test_list() {
	chroot_run python3 lab/lib/meson-tests.py "list-$1" "build/$kernel_name" "${test_durations#"$lab_project/"}" \
		"$test_patience" "$test_long" "${@:2}"
}

# test_on_host [NAME...]: the tests that need no guest
test_on_host() {
	local dir=build/$kernel_name names
	mapfile -t names < <(test_list host "$@")
	((${#names[@]})) || return 0
	rm -f "$lab_project/$dir/meson-logs/testlog.json"
	chroot_run meson test -C "$dir" --no-rebuild --timeout-multiplier "$test_patience" "${names[@]}" >&2 || true
	chroot_run python3 lab/lib/meson-tests.py results "$dir" "${test_out#"$lab_project/"}" >>"$test_out/results"
}

# test_in_lab [NAME...]: the tests that are commands of the lab
test_in_lab() {
	local name command began status
	while IFS=$'\t' read -r name command; do
		say "$name ..."
		began=$SECONDS status=0
		# A command line for a shell, with the project at /src
		start bash -c "${command//\/src\//$lab_project/}" >"$test_out/$name.log" 2>&1
		finish "$job" || status=$?
		if ((status)); then
			test_result FAIL "$name" "it ended with status $status"
		else
			test_result PASS "$name"
		fi
		say "$name: done in $((SECONDS - began)) s"
	done < <(test_list lab "$@")
}

# test_end NAME STATUS: takes the results of a test that has ended, and tells of them
test_end() {
	local name=$1
	awk -v name="$1" '
		$0 ~ "lab-test: end " name " " { exit }
		inside { print }
		$0 ~ "lab-test: begin " name " " { inside = 1 }
	' "$guest_folder/dmesg.txt" >"$test_out/$name.dmesg"
	igt_results "$name" "$2" "$test_out/$name.log" >>"$test_out/results"
	kernel_log_read "$test_out/$name.dmesg" >"$test_out/$name.reports" ||
		test_result FAIL "$name@kernel-log" "the kernel log reports something"
	say "$name: $(test_count PASS "$name") passed, $(test_count FAIL "$name") failed," \
		"$(test_count SKIP "$name") skipped in $((SECONDS - began)) s"
	echo "$name $((SECONDS - began))" >>"$test_durations"
}

# test_read: reads what a guest's tests print, and ends the guest when it no longer does
test_read() {
	local line name='' began limit=$((120 * test_patience)) status=0
	while IFS= read -r -t "$limit" line || { status=$? && false; }; do
		case $line in
		'lab-test: begin '*)
			read -r _ _ name limit <<<"$line"
			began=$SECONDS
			limit=$((limit + 60))
			: >"$test_out/$name.log"
			say "$name ..."
			;;
		'lab-test: end '*)
			test_end "$name" "${line##* }"
			name=''
			;;
		*)
			if [[ $name ]]; then
				printf '%s\n' "$line" >>"$test_out/$name.log"
			elif [[ $line ]]; then
				say "a guest says: $line"
			fi
			;;
		esac
	done
	if ((status > 128)); then
		[[ -z $name ]] || test_end "$name" "the guest hung"
		kill -TERM 0
	fi
	[[ -z $name ]] || test_end "$name" "the guest ended"
}

test_claimed() {
	find "$test_out/claims" -mindepth 1 | wc -l
}

# test_guest NAME: boots guests until no test is left
test_guest() {
	local name=$1 claimed
	guest_reader=(test_read)
	while claimed=$(test_claimed) && ((claimed < $(wc -l <"$test_out/list"))); do
		guest_boot bash lab/guest/tests "${test_out#"$lab_project/"}"
		sed '/lab-test: begin /,/lab-test: end /d' "$guest_folder/dmesg.txt" >"$test_out/$name.dmesg"
		kernel_log_read "$test_out/$name.dmesg" >"$test_out/$name.reports" ||
			test_result FAIL "$name@kernel-log" "the kernel log reports something outside of the tests"
		if (($(test_claimed) == claimed)); then
			tail -n 40 "$test_out/$name.dmesg" >"$test_out/$name.log"
			test_result FAIL "$name" "it ended before its first test"
			break
		fi
	done
}

# test_in_guests [NAME...]: the tests that need a guest, the longest first
test_in_guests() {
	local number tests guests=()
	test_list guest "$@" >"$test_out/list"
	tests=$(wc -l <"$test_out/list")
	mkdir "$test_out/claims"
	for ((number = 1; number <= tests && number <= test_guests; number++)); do
		start test_guest "guest-$number"
		guests+=("$job")
	done
	for job in "${guests[@]}"; do
		finish "$job" || test_result FAIL "lab" "it failed"
	done
}

# test_print_failed: the failed ones, each with what its log has of it
test_print_failed() {
	local result name reason log
	while read -r result name reason; do
		[[ $result == FAIL ]] || continue
		printf '\n=== %s: %s\n' "$name" "$reason"
		log=$test_out/${name%%@*}
		case $name in
		*@kernel-log) cat "$log.reports" ;;
		*@*)
			awk -v start="Starting subtest: ${name#*@}" '
				/^Starting subtest: / { inside = $0 == start }
				inside && n++ < 60 { print }
			' "$log.log"
			;;
		*) tail -n 60 "$log.log" ;;
		esac
		if [[ $reason == 'no result'* ]]; then
			printf -- '--- the end of its kernel log:\n'
			tail -n 40 "$log.dmesg"
		fi
		printf -- '--- all of it: %s\n' "$log.log"
	done <"$test_out/results"
}
