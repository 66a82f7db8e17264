# shellcheck shell=bash
# A newer kernel of Debian's, from trixie-backports: its image, its modules, and the headers that
# modules are built against. All of it is unpacked in the cache, none in the root folder; in the
# chroot it is at /lab.

# kernel_backport_use VERSION: has it there, in $cache_entry
kernel_backport_use() {
	local key
	key=$(
		{
			cat "$root_dir/release" "$lab_lib"/{kernel-backport.sh,root.sh}
			root_version gcc-14
		} | sha256sum | cut -c1-12
	)
	cache_use "kernel-$1" "$key" "fetching Debian's $1 kernel (140 MB)" kernel_backport_make "$1"
}

# kernel_backport_make VERSION FOLDER
kernel_backport_make() {
	local version=$1 release deb
	# The newest build of the version: its headers say which that is.
	download_packages "$2" "linux-headers-$version.*+deb13-amd64"
	release=$(find "$2" -name '*.deb' -printf '%f\n' | sort -V | tail -n 1 | cut -d_ -f1)
	release=${release#linux-headers-}
	rm "$2"/*.deb
	echo "$release" >"$2/release"

	download_packages "$2" linux-{base,binary,modules,headers}-"$release" \
		linux-headers-"${release%-amd64}"-common linux-kbuild-"${release%-amd64}"
	for deb in "$2"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$2" "${root_excluded[@]/#/--exclude=.}"
		rm "$deb"
	done
	sed -i 's,/usr/src/,/lab&,g' "$2/usr/src/linux-headers-$release/Makefile"
	chroot_run --bind "$2" /lab depmod -b /lab/usr "$release"
	chroot_run --bind "$2" /lab modprobe -d /lab/usr -S "$release" -a --show-depends "${root_boot_modules[@]}" |
		sed 's, /lab/, /,' | root_unpack_modules "$2" "$2/modules"
}
