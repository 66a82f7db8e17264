# shellcheck shell=bash
# The walks of the demo. All that a walk leaves is in build/demo/NAME.

demo_memory=272 # MiB
demo_limit=600  # seconds, for each run
demo_source=$lab_project/userspace/demo
demo_build=build/stock/userspace/demo
demo_out=$lab_project/build/demo
demo_local=64 # MiB of local memory, which two clients share
demo_share_turns=18 # seconds, after which both work at once
# shellcheck disable=SC2034 # lab/demo goes through them
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

# demo_prepare_images: has the images there
demo_prepare_images() {
	demo_images_key=$(demo_key photographs cut.c wall.h)
	cache_use demo-images "$demo_images_key" 'cutting photographs into images (fetches 75 MB, once)' demo_cut
	demo_images=$cache_entry
}

# demo_prepare: has the images and the frames to compare with there
demo_prepare() {
	local frames
	demo_prepare_images
	# What is seen depends on the guest's Mesa and CPU, too.
	frames=$(demo_key wall.c wall.h draw.c picture.c gallery.c ../../lab/lib/guest.sh)
	cache_use demo-frames "$demo_images_key-$frames-$root_key-$mesa_key" 'drawing the frames to compare with' demo_reference
	demo_frames=$cache_entry
}

# demo_share keep|offer: two clients that share local memory, each of which wants 80 % of it
demo_share() {
	local out=$demo_out/share-$1
	rm -rf "$out"
	mkdir -p "$out"
	guest_memory=1024
	guest_swap=0
	guest_parameters=local_mib=$demo_local
	guest_shares=("$out:out")
	guest_run "$demo_build/share" "$1" /mnt/out
}

# demo_share_numbers keep|offer FROM TO: copied to local memory, copied back, and discarded in it between
# these seconds, in MiB
demo_share_numbers() {
	awk -v from="$2" -v to="$3" '
		$1 <= from { for (i = 4; i <= 6; i++) before[i] = $i }
		$1 <= to { for (i = 4; i <= 6; i++) after[i] = $i }
		END { for (i = 4; i <= 6; i++) printf "%.0f%s", after[i] - before[i], i < 6 ? " " : "\n" }
	' "$demo_out/share-$1/samples"
}

# demo_share_wrong keep|offer: how many tiles were not what they had to be
demo_share_wrong() {
	awk '$1 == "wrong" { print $2 }' "$demo_out/share-$1/end"
}

# demo_share_report: the table; fails where a tile was wrong, or offers did not spare copies
demo_share_report() {
	local when from to mode in back discarded spared=()
	echo "Two clients, each of which wants 80 % of $demo_local MiB of local memory: MiB, as the kernel counts"
	echo '| when | what is not needed is | copied in | copied back | discarded instead |'
	echo '|---|---|---|---|---|'
	while read -r from to when; do
		for mode in keep offer; do
			read -r in back discarded < <(demo_share_numbers "$mode" "$from" "$to")
			echo "| $when | ${mode/keep/kept} | $in | $back | $discarded |" | sed 's/ offer / offered /'
			spared+=("$back" "$discarded")
		done
	done <<-END
		0 $demo_share_turns by turns
		$demo_share_turns 1000 both at once
	END
	(($(demo_share_wrong keep) == 0 && $(demo_share_wrong offer) == 0)) &&
		((spared[3] > 0 && spared[2] < spared[0]))
}

# demo_share_chart: share.png, both halves of it to one scale
demo_share_chart() {
	local most
	most=$(awk '{ if ($4 + $5 > most) most = $4 + $5 } END { print int(most * 1.1) + 1 }' \
		"$demo_out/share-keep/samples" "$demo_out/share-offer/samples")
	chroot_run gnuplot -e "out = 'build/demo'; most = $most" userspace/demo/share.gp
}
