# shellcheck shell=bash
# Building the project in the chroot, once for each kernel, in build/KERNEL.

build_in_chroot() {
	local lock dir=build/$kernel_name
	exec {lock}>"$lab_out/build-$kernel_name.lock"
	flock "$lock"
	# A build folder belongs to one set of compilers and headers.
	if [[ $(cat "$lab_project/$dir/.made-for" 2>/dev/null) != "$kernel_id" ]]; then
		rm -rf "${lab_project:?}/$dir"
		chroot_run "${kernel_binds[@]}" meson setup "$dir" -Dkernel_build_tree="$kernel_build_tree" \
			"${kernel_options[@]}"
		echo "$kernel_id" >"$lab_project/$dir/.made-for"
	fi
	chroot_run "${kernel_binds[@]}" ninja -C "$dir"
}

# build_project: has everything built for the kernel in use, and the Mesa of the guests
build_project() {
	step "building for the $kernel_name kernel" build_in_chroot
	[[ -f $lab_project/build/$kernel_name/kernel/tide.ko ]] ||
		die "the build made no kernel/tide.ko, so there is nothing to boot a guest with"
	mesa_use
}
