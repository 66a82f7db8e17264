# shellcheck shell=bash
# The debug kernel: Debian's source with the options of lab/kernel, built in the chroot. What modules
# are built against is cached with it; in the chroot that is at /lab.

# kernel_debug_use: has it there, in $cache_entry
kernel_debug_use() {
	local key
	key=$(
		{
			cat "$root_dir/release" "$lab_project"/lab/kernel/* "$lab_lib"/{kernel-debug.sh,make-kernel}
			readlink -f "$root_dir/root/usr/bin/gcc"
		} | sha256sum | cut -c1-12
	)
	cache_use kernel-debug "$key" "building the debug kernel (about ten minutes)" kernel_debug_make
}

kernel_debug_make() {
	local source
	source=linux-source-$(cut -d. -f1,2 "$root_dir/release")
	mkdir "$1/tree"
	echo "fetching $source"
	download_packages "$1" "$source"
	echo "unpacking $source"
	dpkg-deb --fsys-tarfile "$1/$source"_*.deb | tar -xO "./usr/src/$source.tar.xz" |
		tar -xJ -C "$1/tree" --strip-components=1
	rm "$1/$source"_*.deb
	cat "$lab_project/lab/kernel/Kconfig" >>"$1/tree/drivers/gpu/drm/Kconfig"
	chroot_run --bind "$1" /lab lab/lib/make-kernel
}
