# shellcheck shell=bash
# The kernels that look into themselves: Debian's source with the options of lab/kernel/guest.config and
# lab/kernel/NAME.config, built in the chroot. What modules are built against is cached with it; in the
# chroot that is at /lab.

kernel_ccache=$lab_cache/ccache # a change of the options leaves many objects as they were

# kernel_source_use NAME: has it there, in $cache_entry
kernel_source_use() {
	local key
	key=$(
		{
			cat "$root_dir/release" "$lab_project"/lab/kernel/{Kconfig,{guest,"$1"}.config}
			cat "$lab_lib"/{kernel-source.sh,make-kernel}
			root_version gcc-14
		} | sha256sum | cut -c1-12
	)
	cache_use "kernel-$1" "$key" "building the $1 kernel (about ten minutes)" kernel_source_make "$1"
}

# kernel_source_make NAME FOLDER
kernel_source_make() {
	local source
	source=linux-source-$(cut -d. -f1,2 "$root_dir/release")
	mkdir "$2/tree"
	echo "fetching $source"
	download_packages "$2" "$source"
	echo "unpacking $source"
	dpkg-deb --fsys-tarfile "$2/$source"_*.deb | tar -xO "./usr/src/$source.tar.xz" |
		tar -xJ -C "$2/tree" --strip-components=1
	rm "$2/$source"_*.deb
	cat "$lab_project/lab/kernel/Kconfig" >>"$2/tree/drivers/gpu/drm/Kconfig"
	mkdir -p "$kernel_ccache"
	chroot_run --bind "$2" /lab --bind "$kernel_ccache" /mnt lab/lib/make-kernel "$1"
}
