# shellcheck shell=bash
# Running things in the root folder, as Debian 13 sees them, with the project at /src.

# chroot_run [--bind FOLDER PATH]... COMMAND...: runs in /src; PATH has to be there in the root folder
chroot_run() {
	local binds=("$lab_project" /src)
	while [[ $1 == --bind ]]; do
		binds+=("$2" "$3")
		shift 3
	done
	unshare --mount "$lab_lib/enter-root" "$root_dir/root" $((${#binds[@]} / 2)) "${binds[@]}" "$@"
}
