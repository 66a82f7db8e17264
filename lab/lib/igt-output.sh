# shellcheck shell=bash
# Reading what a test in the guest printed: RESULT (PASS, FAIL or SKIP), NAME or NAME@SUBTEST, and a reason.

# igt_results NAME STATUS LOG: a line for each subtest that an IGT test tells of, or for any other
# program one for it all; and one more where the end is not what the subtests tell
igt_results() {
	awk -v name="$1" -v status="$2" '
		/^Starting subtest: / { open = $3 }
		/^Subtest [^ ]+: [A-Z]+/ {
			sub(":", "", $2)
			result = $3 == "SUCCESS" ? "PASS" : $3 == "SKIP" ? "SKIP" : "FAIL"
			print result, name "@" $2, $3
			failed = failed || result == "FAIL"
			subtests++
			open = ""
		}
		END {
			if (open != "")
				print "FAIL", name "@" open, "no result, " status
			else if (!subtests && status == "0")
				print "PASS", name
			else if (!subtests && status == "77")
				print "SKIP", name
			else if (!failed && status != "0" && status != "77")
				print "FAIL", name, status
		}
	' "$3"
}
