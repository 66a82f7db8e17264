# shellcheck shell=bash
# The root folder: Debian 13 as a build chroot and, as a disk image, for the guest to boot from.

# Not in the root folder: what nobody reads in it, hardware that the guest has not got, the step that
# would have every kernel package make an initramfs, and LLVM to link statically.
root_excluded=(
	'/usr/share/man/*' '/usr/share/doc/*' '/usr/share/locale/*' '/usr/share/info/*'
	'/usr/lib/modules/*/kernel/sound/*'
	'/usr/lib/modules/*/kernel/drivers/media/*'
	'/usr/lib/modules/*/kernel/drivers/net/*'
	'/usr/lib/*/libvulkan_[!l]*' '/usr/share/vulkan/icd.d/[!l]*'
	'/etc/kernel/postinst.d/initramfs-tools'
	'/usr/lib/llvm-*/lib/*.a'
)

# The modules that the guest needs before it has its root folder.
root_boot_modules=(virtio_pci virtio_blk ext4 9p 9pnet_virtio)

root_debootstrap() {
	local options=() path
	while read -r path; do
		options+=(--aptopt="$path")
	done < <(host_apt_options)
	for path in "${root_excluded[@]}"; do
		options+=(--dpkgopt="path-exclude=$path")
	done
	host_sources | mmdebstrap --mode=root --variant=apt --format=directory --architectures=amd64 \
		--aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io "${options[@]}" \
		--include="$(sed '/^#/d; /^$/d' "$lab_project/lab/packages" | paste -sd,)" \
		--customize-hook="$lab_project/lab/lib/kernel-tools" \
		trixie "$1" -
	# The mirror is the machine's business and may be another one tomorrow.
	: >"$1/etc/apt/sources.list"
	mkdir -p "$1/src" "$1/lab"
}

# root_unpack_modules PREFIX FOLDER: takes what `modprobe --show-depends` says, and unpacks the modules
# below PREFIX into FOLDER, named in the order of loading
root_unpack_modules() {
	local path number=0 target
	mkdir "$2"
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r path; do
			printf -v target '%s/%02d-%s' "$2" $((number++)) "$(basename "${path%.xz}")"
			xz -dc "$1$path" >"$target"
		done
}

# root_collect_boot_files FOLDER: the kernel, and its boot modules
root_collect_boot_files() {
	local release
	release=$(cd "$1/root/usr/lib/modules" && echo *)
	echo "$release" >"$1/release"
	cp "$1/root/boot/vmlinuz-$release" "$1/vmlinuz"
	chroot "$1/root" modprobe -S "$release" -a --show-depends "${root_boot_modules[@]}" |
		root_unpack_modules "$1/root" "$1/modules"
}

root_make() {
	root_debootstrap "$1/root"
	root_collect_boot_files "$1"
	echo "making the guest's disk"
	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$1/root" "$1/disk.img" 6G
}

# root_use: has the root folder there, in $root_dir
root_use() {
	root_key=$(cd "$lab_project/lab" && cat packages lib/root.sh lib/kernel-tools | sha256sum | cut -c1-12)
	cache_use root "$root_key" "making the root folder (Debian 13, about two minutes)" root_make
	root_dir=$cache_entry
}

# root_version PACKAGE...: which version of it the root folder has
root_version() {
	dpkg-query --admindir="$root_dir/root/var/lib/dpkg" -W -f '${Version}\n' "$@"
}
