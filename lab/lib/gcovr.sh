# shellcheck shell=bash
# gcovr, for lab/coverage: unpacked in the cache, for what one command needs not to be in the root folder.

gcovr_make() {
	local deb
	download_packages "$1" gcovr python3-colorlog
	for deb in "$1"/*.deb; do
		dpkg-deb --extract "$deb" "$1"
		rm "$deb"
	done
}

# gcovr_use: has it there, in $cache_entry
gcovr_use() {
	local key
	key=$(cat "$root_dir/release" "$lab_lib/gcovr.sh" | sha256sum | cut -c1-12)
	cache_use gcovr "$key" "fetching gcovr" gcovr_make
}
