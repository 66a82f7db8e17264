# shellcheck shell=bash
# The walks of the demo. All that a walk leaves is in build/demo/NAME.

demo_memory=272 # MiB
demo_limit=600  # seconds, for each run
demo_source=$lab_project/userspace/demo
demo_build=build/stock/userspace/demo
demo_out=$lab_project/build/demo
demo_runs=(
	'keep keep 0'
	"keep-zram keep $demo_memory"
	'free free 0'
	'offer offer 0'
	"offer-zram offer $demo_memory"
	'textures textures 0'
	'vulkan textures 0 gallery-vulkan'
)

# demo_key FILE...: changes with any of these files in userspace/demo
demo_key() {
	(cd "$demo_source" && cat "$@" | sha256sum | cut -c1-12)
}

demo_photographs() {
	sed '/^#/d; /^$/d' "$demo_source/photographs"
}

# demo_cut FOLDER: fetches the photographs and cuts them into the images of the gallery
demo_cut() {
	local packages package files photographs
	mapfile -t packages < <(demo_photographs | cut -d' ' -f1 | sort -u)
	mkdir "$1/packages" "$1/photographs"
	download_packages "$1/packages" "${packages[@]}"
	for package in "${packages[@]}"; do
		mapfile -t files < <(demo_photographs | sed -n "s,^$package ,./,p")
		dpkg-deb --fsys-tarfile "$1/packages/$package"_*.deb | tar -x -C "$1/photographs" "${files[@]}"
	done
	mapfile -t photographs < <(demo_photographs | sed 's,^.* ,/mnt/photographs/,')
	chroot_run --bind "$1" /mnt "$demo_build/cut" /mnt "${photographs[@]}"
	rm -r "$1/packages" "$1/photographs"
}

# demo_walk OUT MODE SWAP GALLERY [OPTION]...: walks along the wall in a fresh guest, and leaves in OUT
# what the gallery, which is that program, records, the kernel log, and in `status` its status and how
# often somebody was killed for want of memory
demo_walk() {
	local out=$1 mode=$2 gallery=$4 status=0
	guest_swap=$3
	shift 4
	guest_shares+=("$demo_images:images" "$out:out")
	guest_run "$demo_build/$gallery" --mode "$mode" --images /mnt/images --out /mnt/out "$@" || status=$?
	cp "$lab_out/dmesg.txt" "$out"
	echo "$status $(grep -c 'Out of memory: Killed process' "$out/dmesg.txt")" >"$out/status"
	# Killed, by the kernel or because of its limit, is a result.
	kernel_log_read "$out/dmesg.txt" >/dev/null && [[ $status =~ ^(0|137|142)$ ]]
}

# demo_reference FOLDER: the walk with memory for all, and so without wrong frames
demo_reference() {
	guest_memory=1024
	demo_walk "$1" keep 0 gallery
	[[ -f $1/end ]]
}

demo_run() {
	local name=$1
	shift
	rm -rf "${demo_out:?}/$name"
	mkdir -p "$demo_out/$name"
	guest_memory=$demo_memory
	guest_shares=("$demo_frames:reference")
	demo_walk "$demo_out/$name" "$@" --reference /mnt/reference --limit "$demo_limit" --pictures 20
}

demo_report() {
	chroot_run --bind "$demo_images" /mnt "$demo_build/report" /mnt build/demo
}

# demo_prepare: has the images and the frames to compare with there
demo_prepare() {
	local images frames
	images=$(demo_key photographs cut.c wall.h)
	cache_use demo-images "$images" 'cutting photographs into images (fetches 75 MB, once)' demo_cut
	demo_images=$cache_entry
	# What is seen depends on the guest's Mesa and CPU, too.
	frames=$(demo_key wall.c wall.h draw.c picture.c gallery.c ../../lab/lib/guest.sh)
	cache_use demo-frames "$images-$frames-$root_key-$mesa_key" 'drawing the frames to compare with' demo_reference
	demo_frames=$cache_entry
}
