# shellcheck shell=bash
# The guest's Mesa: Debian's source with what userspace/mesa changes, built in the chroot. It is kept
# as a disk, with libraries only, which a guest lays over its own Mesa. libtide is not in it.

mesa_ccache=$lab_cache/ccache # a change of userspace/mesa leaves most objects as they were

# mesa_make FOLDER
mesa_make() {
	echo "fetching Mesa's source"
	download_source "$1" "mesa=$(root_version mesa-libgallium)"
	mkdir -p "$mesa_ccache"
	chroot_run --bind "$1" /lab --bind "$mesa_ccache" /mnt lab/lib/make-mesa "build/$kernel_name"
	mke2fs -q -t ext4 -b 4096 -O ^has_journal -m 0 -d "$1/root" "$1/disk.img" 256M
	rm -r "$1/root"
}

# mesa_use: has it there, as $mesa_disk; the project must have been built
mesa_use() {
	mesa_key=$(
		{
			root_version mesa-libgallium libllvm19 gcc-14
			cd "$lab_project" || exit
			cat lab/lib/{mesa.sh,make-mesa} userspace/libtide/libtide.h
			find userspace/mesa/{apply,patches,src} -type f -print0 | sort -z | xargs -0 tail -n +1
		} | sha256sum | cut -c1-12
	)
	cache_use mesa "$mesa_key" "building Mesa (about eight minutes)" mesa_make
	# shellcheck disable=SC2034 # guests have it
	mesa_disk=$cache_entry/disk.img
}
