# shellcheck shell=bash
# Reading what a test in the guest printed: RESULT (PASS, FAIL or SKIP), NAME or NAME@SUBTEST, and a reason.

# igt_results NAME STATUS LOG: a line for each subtest that an IGT test tells of, or for any other
# program one for it all; and one more where the end is not what the subtests tell
igt_results() {
	awk -v name="$1" -v status="$2" '
		/^Starting subtest: / { open = $3 }
		/^Subtest [^ ]+: [A-Z]+/ {
			sub(":", "", $2)
			if (!($2 in said))
				names[++subtests] = $2
			# A child that a subtest forked may speak for it, too: the parent has the last word.
			said[$2] = $3
			open = ""
		}
		END {
			for (i = 1; i <= subtests; i++) {
				word = said[names[i]]
				result = word == "SUCCESS" ? "PASS" : word == "SKIP" ? "SKIP" : "FAIL"
				print result, name "@" names[i], word
				failed = failed || result == "FAIL"
			}
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
