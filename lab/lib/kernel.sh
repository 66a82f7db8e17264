# shellcheck shell=bash
# The kernels that a guest can boot, by name.

# Those that are built, and how many times slower than the stock one they are
declare -A kernel_built=([debug]=4 [kcsan]=4 [gcov]=2)

# kernel_tsc_khz: the frequency of the guest's TSC, which is the machine's
kernel_tsc_khz() {
	chroot_run sh -ec 'gcc -O2 -o build/lab/tsc-khz lab/lib/tsc-khz.c; build/lab/tsc-khz'
}

# kernel_use NAME: has it there, and sets what the others need to know of it
# shellcheck disable=SC2034 # not every command needs all of it
kernel_use() {
	kernel_name=$1
	kernel_options=() # of meson's, for the build folder
	kernel_modules='' # a folder for the guest's /usr/lib/modules, where that is not the root folder's
	case $1 in
	stock | 6.12)
		kernel_name=stock
		kernel_id=$root_key
		kernel_image=$root_dir/vmlinuz
		kernel_boot_modules=$root_dir/modules
		kernel_build_tree=/usr/src/linux-headers-$(<"$root_dir/release")
		kernel_binds=()
		kernel_slowness=1
		kernel_arguments=''
		;;
	debug | kcsan | gcov)
		kernel_source_use "$1"
		kernel_id=$root_key-${cache_entry##*-}
		kernel_image=$cache_entry/bzImage
		kernel_boot_modules='' # it has them built in
		kernel_build_tree=/lab/tree
		kernel_binds=(--bind "$cache_entry" /lab)
		kernel_slowness=${kernel_built[$1]}
		# Optimised, lines would be merged.
		[[ $1 != gcov ]] || kernel_options=(-Db_coverage=true --buildtype=debug)
		# It has no timer to measure the TSC by: on a busy machine its clock would be far off.
		kernel_arguments="tsc=reliable tsc_early_khz=$(kernel_tsc_khz)"
		;;
	7.3)
		kernel_backport_use "$1"
		kernel_id=$root_key-${cache_entry##*-}
		kernel_modules=$cache_entry/usr/lib/modules
		kernel_image=$kernel_modules/$(<"$cache_entry/release")/vmlinuz
		kernel_boot_modules=$cache_entry/modules
		kernel_build_tree=/lab/usr/src/linux-headers-$(<"$cache_entry/release")
		kernel_binds=(--bind "$cache_entry" /lab)
		kernel_slowness=1
		kernel_arguments=''
		;;
	*)
		die "there is no kernel called '$1', only stock (6.12), 7.3, debug, kcsan and gcov"
		;;
	esac
}
