# shellcheck shell=bash
# The benchmarks. All that they leave is in build/bench.

bench_out=$lab_project/build/bench
bench_build=build/stock/userspace/bench
bench_memory=2600        # MiB, of the guest that counts instructions
bench_others_memory=448  # MiB, of those that run short of memory
bench_others_swap=256    # MiB of zram
bench_rounds=5           # of each
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

# bench_build_peers: builds them, in build/bench/NAME
bench_build_peers() {
	local peer name file edit folder
	for name in $(bench_peer_names); do
		mkdir -p "$bench_out/$name/source"
		cp -r "$lab_project/kernel/." "$bench_out/$name/source"
	done
	for peer in "${bench_peers[@]}"; do
		read -r name file edit <<<"$peer"
		folder=$bench_out/$name/source
		sed -E -i "$edit" "$folder/$file"
		! cmp -s "$folder/$file" "$lab_project/kernel/$file" || die "$name: nothing to edit in $file"
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
	# shellcheck disable=SC2016 # the guest's shell
	bench_guest instructions sh -c 'modprobe vgem && exec "$0" "$@"' "$bench_build/bench" "$@" "${bench_subjects[@]}"
}

# bench_others NAME KIND [MODULE]: who else suffers, in a fresh guest, by that module instead of tide's
bench_others() {
	guest_memory=$bench_others_memory
	guest_swap=$bench_others_swap
	# shellcheck disable=SC2016 # the guest's shell
	bench_guest "others-$1" sh -c '
		others=$0 rounds=$1 name=$2 kind=$3 module=$4
		if [ "$module" ]; then rmmod tide && insmod "$module" || exit; fi
		for scope in cgroup cgroup_noswap global; do
			"$others" "$rounds" "$name" "$scope" "$kind" || exit
		done
	' "$bench_build/others" "$bench_rounds" "$1" "$2" "${3-}"
}

# bench_all_others: two guests at a time
bench_all_others() {
	local name jobs=() waiting=()
	waiting=('tide tide' 'madv_free madv_free')
	for name in $(bench_peer_names); do
		waiting+=("$name tide build/bench/$name/module/tide.ko")
	done
	while ((${#waiting[@]} + ${#jobs[@]})); do
		while ((${#waiting[@]} && ${#jobs[@]} < 2)); do
			# shellcheck disable=SC2086 # it is several arguments
			start bench_others ${waiting[0]}
			jobs+=("$job")
			waiting=("${waiting[@]:1}")
		done
		finish "${jobs[0]}"
		jobs=("${jobs[@]:1}")
	done
}

bench_report() {
	chroot_run python3 userspace/bench/report.py build/bench build/demo >"$bench_out/table.txt"
}

bench_charts() {
	chroot_run gnuplot -e "out = 'build/bench'" userspace/bench/charts.gp
}
