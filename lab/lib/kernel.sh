# shellcheck shell=bash
# The kernels that a guest can boot, by name.

# kernel_use NAME: sets what the others need to know of it
kernel_use() {
	kernel_name=$1
	case $1 in
	stock)
		kernel_release=$(<"$root_dir/release")
		kernel_image=$root_dir/vmlinuz
		kernel_boot_modules=$root_dir/modules
		kernel_build_tree=/usr/src/linux-headers-$kernel_release
		kernel_id=$root_key
		kernel_options=()
		# shellcheck disable=SC2034 # not every command has a use for it
		kernel_slowness=1
		;;
	*)
		die "there is no kernel called '$1'; there is: stock"
		;;
	esac
}
