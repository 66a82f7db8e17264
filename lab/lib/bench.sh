# shellcheck shell=bash
# The benchmarks. All that they leave is in build/bench.

bench_out=$lab_project/build/bench
bench_build=build/stock/userspace/bench
bench_memory=2600        # MiB, of the guest that counts instructions
bench_others_memory=448  # MiB, of those that run short of memory
bench_others_swap=256    # MiB of zram
bench_rounds=5           # of each
bench_galleries_memory=384
bench_subjects=(keep discard page_in return life population clients wake footprint)

# The driver with its shrinkers as DRM drivers have them, to compare with: NAME FILE SED
bench_peers=(
	'default_seeks tide_shrinker.c s/(discard_shrinker->seeks = )0;/\1DEFAULT_SEEKS;/'
	'cgroup_blind tide_shrinker.c s/SHRINKER_MEMCG_AWARE [|] //'
	'cgroup_blind tide_lru.c s/list_lru_init_memcg[(]([^,]*), [^)]*[)]/list_lru_init(\1)/'
)

bench_peer_names() {
	printf '%s\n' "${bench_peers[@]}" | cut -d' ' -f1 | sort -u
}

# bench_build_peers: builds them, in build/bench/NAME, from sources that keep their time of change
bench_build_peers() {
	local peer name file edit folder
	for name in $(bench_peer_names); do
		rm -rf "$bench_out/$name/source"
		mkdir -p "$bench_out/$name/source"
		cp -rp "$lab_project/kernel/." "$bench_out/$name/source"
	done
	for peer in "${bench_peers[@]}"; do
		read -r name file edit <<<"$peer"
		folder=$bench_out/$name/source
		sed -E -i "$edit" "$folder/$file"
		! cmp -s "$folder/$file" "$lab_project/kernel/$file" || die "$name: nothing to edit in $file"
		touch -r "$lab_project/kernel/$file" "$folder/$file"
	done
	for name in $(bench_peer_names); do
		folder=/src/build/bench/$name
		chroot_run "${kernel_binds[@]}" kernel/kbuild "$folder/depfile" "$folder/source" "$kernel_build_tree" \
			"$folder/module"
	done
}

# bench_guest FILE COMMAND...: has a guest print figures into the file
bench_guest() {
	local file=$bench_out/figures/$1 status=0
	shift
	guest_run "$@" >"$file" || status=$?
	((status == 0)) || cat "$file"
	return "$status"
}

# bench_count [--short]: what is counted in instructions
bench_count() {
	guest_icount=1
	guest_memory=$bench_memory
	# From memory: reading its file from /src would be counted.
	# shellcheck disable=SC2016 # the guest's shell
	bench_guest instructions sh -c 'modprobe vgem && cp "$0" /run/bench && exec /run/bench "$@"' \
		"$bench_build/bench" "$@" "${bench_subjects[@]}"
}

# bench_others FILE "NAME KIND [MODULE]"...: who else suffers, in a fresh guest, by that module instead of tide's
bench_others() {
	local file=$1
	shift
	guest_memory=$bench_others_memory
	guest_swap=$bench_others_swap
	# shellcheck disable=SC2016 # the guest's shell
	bench_guest "$file" bash -c '
		others=$0 rounds=$1
		for spec in "${@:2}"; do
			read -r name kind module <<<"$spec"
			if [[ $module ]]; then rmmod tide && insmod "$module" || exit; fi
			for scope in cgroup cgroup_noswap global; do
				"$others" "$rounds" "$name" "$scope" "$kind" || exit
			done
		done
	' "$bench_build/others" "$bench_rounds" "$@"
}

# bench_mesa [--short]: scenes of benchmarks, on tide's Mesa and on Debian's
bench_mesa() {
	guest_icount=1
	bench_guest mesa userspace/bench/mesa_frames "$@"
}

# bench_galleries [--short]: how many of lab/demo's have room in a guest
bench_galleries() {
	local most=32 step=8
	[[ ! ${1-} ]] || most=1 step=65
	guest_memory=$bench_galleries_memory
	guest_shares=("$demo_images:images")
	bench_guest galleries userspace/bench/galleries "$demo_build/gallery" /mnt/images "$most" "$step" keep free offer
}

# bench_all [--short]: two guests at a time, the longest first
bench_all() {
	local name at jobs=() others=('tide tide' 'madv_free madv_free')
	for name in $(bench_peer_names); do
		others+=("$name tide build/bench/$name/module/tide.ko")
	done

	bench_start bench_count "$@"
	bench_start bench_galleries "$@"
	bench_start bench_mesa "$@"
	if [[ ${1-} ]]; then
		bench_start bench_others others "${others[@]}"
	else
		for at in "${others[@]}"; do
			bench_start bench_others "others-${at%% *}" "$at"
		done
	fi
	while ((${#jobs[@]})); do
		bench_await
	done
}

# bench_start COMMAND...: one of bench_all's jobs, when only one other is left
bench_start() {
	((${#jobs[@]} < 2)) || bench_await
	echo "$@"
	start "$@"
	jobs[job]=$job
}

# bench_await: waits for one of bench_all's jobs
bench_await() {
	local ended status=0
	wait -n -p ended "${jobs[@]}" || status=$?
	unset "jobs[ended]" "lab_jobs[$ended]"
	return "$status"
}

bench_report() {
	chroot_run python3 userspace/bench/report.py build/bench build/demo >"$bench_out/table.txt"
}

# bench_compare OLD.json
bench_compare() {
	chroot_run --bind "$(realpath "$(dirname "$1")")" /mnt python3 -B userspace/bench/compare.py \
		"/mnt/$(basename "$1")" build/bench/bench.json
}

bench_charts() {
	chroot_run gnuplot -e "out = 'build/bench'" userspace/bench/charts.gp
}
