# shellcheck shell=bash
# The root folder: Debian 13 as a build chroot and, as a disk image, for the guest to boot from.
# Made once and cached. Whoever uses it holds its lock shared; making and removing take it alone.

root_key=$(cd "$lab_project/lab" && cat packages lib/root.sh lib/kernel-tools | sha256sum | cut -c1-12)
root_dir=$lab_cache/root-$root_key

# Not in the root folder: what nobody reads in it, hardware that the guest has not got, and the
# step that would have every kernel package make an initramfs.
root_excluded=(
	'/usr/share/man/*' '/usr/share/doc/*' '/usr/share/locale/*' '/usr/share/info/*'
	'/usr/lib/modules/*/kernel/sound/*'
	'/usr/lib/modules/*/kernel/drivers/media/*'
	'/usr/lib/modules/*/kernel/drivers/net/*'
	'/etc/kernel/postinst.d/initramfs-tools'
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

# root_collect_boot_files FOLDER: the kernel, and its boot modules in the order of loading
root_collect_boot_files() {
	local release path number=0
	release=$(cd "$1/root/usr/lib/modules" && echo *)
	echo "$release" >"$1/release"
	cp "$1/root/boot/vmlinuz-$release" "$1/vmlinuz"
	mkdir "$1/modules"
	chroot "$1/root" modprobe -S "$release" -a --show-depends "${root_boot_modules[@]}" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r path; do
			printf -v target '%s/modules/%02d-%s' "$1" $((number++)) "$(basename "${path%.xz}")"
			xz -dc "$1/root$path" >"$target"
		done
}

root_make() {
	local new=$root_dir.new
	rm -rf "$new"
	mkdir -p "$new"
	root_debootstrap "$new/root"
	root_collect_boot_files "$new"
	echo "making the guest's disk"
	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$new/root" "$new/disk.img" 6G
	mv -T "$new" "$root_dir"
}

root_remove_old() {
	local dir lock
	for dir in "$lab_cache"/root-*; do
		[[ -d $dir && ${dir%.new} != "$root_dir" ]] || continue
		exec {lock}>"${dir%.new}.lock"
		! flock -n -x "$lock" || rm -rf --one-file-system "$dir" "${dir%.new}.lock"
		exec {lock}>&-
	done
}

# root_use: has the root folder there, and there to stay until the caller ends
root_use() {
	local lock
	mkdir -p "$lab_cache"
	exec {lock}>"$root_dir.lock"
	flock -s "$lock"
	until [[ -d $root_dir ]]; do
		flock -n -x "$lock" || { say "waiting for another lab command, which makes the root folder"; flock -x "$lock"; }
		[[ -d $root_dir ]] || {
			host_need mmdebstrap:mmdebstrap mke2fs:e2fsprogs xz:xz-utils
			step "making the root folder (Debian 13, about two minutes)" root_make
			root_remove_old
		}
		flock -s "$lock"
	done
}
