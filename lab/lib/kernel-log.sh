# shellcheck shell=bash
# Reading a guest's kernel log.

# Everything that means that something is broken, whatever a command thought. An OOM kill is none of
# it, and neither is a fault of a process.
kernel_log_reports=(
	'WARNING: '
	'BUG[: ]'
	'watchdog: BUG: '
	'kernel BUG at '
	'Oops'
	'Kernel panic'
	'general protection fault'
	'INFO: task .* blocked for more than'
	'rcu: INFO: '
	'refcount_t: '
	'UBSAN: '
	'KASAN'
	'DEBUG_LOCKS_WARN_ON'
	'ODEBUG: '
	'list_(add|del) corruption'
	'kmemleak: (unreferenced object|.*new suspected)'
	'page dumped because'
	'.*still mapped when deleted'
	'.*Bad (page|rss)'
	'.*Objects remaining'
)

# kernel_log_read FILE: prints what is broken, after the IGT subtest that ran then; fails if anything is
kernel_log_read() {
	local IFS='|'
	awk -v reports="^\\[[^]]*\\]( ?\\[[^]]*\\])? (${kernel_log_reports[*]})" '
		/\[IGT\] .*starting subtest/ { subtest = $0 }
		$0 ~ reports && left == 0 {
			left = ++count > 5 ? 1 : 60
			if (subtest != "")
				print subtest
			subtest = ""
		}
		left > 0 { print; left-- }
		/---\[ end trace/ { left = 0 }
		END { exit count > 0 }
	' "$1"
}
