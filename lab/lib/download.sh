# shellcheck shell=bash
# Fetching Debian 13 packages as files, for what is not installed in the root folder. From backports
# comes only what Debian 13 itself has not got.

# download deb|deb-src FOLDER ARGUMENT...: the chroot's apt-get, in FOLDER, with the machine's mirror
download() {
	local type=$1 folder=$2 apt status=0
	shift 2
	apt=$(mktemp -d "$folder/apt.XXXXXX")
	mkdir -p "$apt/lists" "$apt/cache"
	{ host_sources && host_backports; } | sed "s/^deb /$type /" >"$apt/sources.list"
	host_apt_options >"$apt/apt.conf"
	cat >>"$apt/apt.conf" <<-'END'
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Dir::Etc::SourceList "/lab/sources.list";
		Dir::State::Lists "/lab/lists";
		Dir::Cache "/lab/cache";
	END
	chroot_run --bind "$apt" /lab --bind "$folder" /mnt \
		--bind /etc/resolv.conf /etc/resolv.conf --bind /etc/hosts /etc/hosts \
		sh -ec 'export APT_CONFIG=/lab/apt.conf; apt-get -q update; cd /mnt; apt-get -q "$@"' sh "$@" || status=$?
	rm -rf "$apt"
	return "$status"
}

# download_packages FOLDER NAME...: the .deb files of the newest versions, into FOLDER
download_packages() {
	download deb "$1" download "${@:2}"
}

# download_source FOLDER NAME=VERSION: the files of a source package, into FOLDER
download_source() {
	download deb-src "$1" --download-only source "$2"
}
