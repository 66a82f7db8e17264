# shellcheck shell=bash
# What takes long to make is made once, for all checkouts, and found again by a key of its sources.
# Whoever uses an entry holds its lock shared until it ends; making and removing take it alone.

# cache_use FAMILY KEY TITLE COMMAND...: has the entry there, by COMMAND FOLDER; its folder is $cache_entry
cache_use() {
	local family=$1 title=$3 lock
	cache_entry=$lab_cache/$1-$2
	shift 3
	mkdir -p "$lab_cache"
	exec {lock}>"$cache_entry.lock"
	flock -s "$lock"
	touch "$cache_entry.lock"
	until [[ -d $cache_entry ]]; do
		flock -n -x "$lock" || {
			say "$title: waiting for another lab command, which is at it"
			flock -x "$lock"
		}
		if [[ ! -d $cache_entry ]]; then
			step "$title" cache_make "$@"
			cache_remove_old "$family"
		fi
		flock -s "$lock"
	done
}

cache_make() {
	local new=$cache_entry.new
	rm -rf --one-file-system "$new"
	mkdir "$new"
	"$@" "$new"
	mv -T "$new" "$cache_entry"
}

# Entries that nobody has used for a day: another checkout may be a change of lab/packages behind.
cache_remove_old() {
	local path lock
	while read -r path; do
		exec {lock}>"$path"
		! flock -n "$lock" || rm -rf --one-file-system "${path%.lock}" "${path%.lock}.new" "$path"
		exec {lock}>&-
	done < <(find "$lab_cache" -maxdepth 1 -name "$1-*.lock" -mmin +1440)
}
