# shellcheck shell=bash
# Booting a guest, having it run one command, and reading its kernel log.
#
# A guest gets its orders from a job folder under build/lab, which it sees at the same place below
# /src: `command` is run, `settings` are shell variables, `packages` are installed; it writes `begun` when
# the command begins, and `status` in the end.

guest_kernel=stock
guest_memory=1024
guest_swap=0
guest_shares=()    # FOLDER:NAME
guest_packages=()  # .deb files
guest_env=()       # NAME=VALUE, for the command
guest_icount=      # count instructions: one nanosecond each, on one CPU
guest_parameters=  # of tide.ko
guest_interactive= # a person's terminal, as arguments of stty
guest_reader=(cat) # what the command's output goes through

# guest_make_initrd FILE: our first steps, busybox, and the modules that reach the disk and /src
guest_make_initrd() {
	local dir=$1.d
	mkdir -p "$dir/bin" "$dir/modules" "$dir/dev" "$dir/proc" "$dir/root"
	cp "$root_dir/root/usr/bin/busybox" "$dir/bin/busybox"
	cp "$lab_project/lab/guest/initramfs" "$dir/init"
	[[ -z $kernel_boot_modules ]] || cp "$kernel_boot_modules"/* "$dir/modules/"
	(cd "$dir" && find . | ./bin/busybox cpio -o -H newc 2>/dev/null) >"$1"
	rm -rf "$dir"
}

# guest_write_job FOLDER COMMAND...: the orders
guest_write_job() {
	local folder=$1 share names=() setting
	shift
	printf '%q ' "$@" >"$folder/command"
	mkdir "$folder/packages"
	((${#guest_packages[@]} == 0)) || cp -t "$folder/packages" -- "${guest_packages[@]}"
	for share in "${guest_shares[@]}"; do
		names+=("${share##*:}")
	done
	{
		printf 'job_swap=%q\n' "$guest_swap"
		printf 'job_interactive=%q\n' "$guest_interactive"
		printf 'job_shares=%q\n' "${names[*]}"
		printf 'export TIDE_BUILD=%q\n' "/src/build/$kernel_name"
		printf 'export TIDE_KERNEL=%q\n' "$kernel_name"
		printf 'export TIDE_PARAMETERS=%q\n' "$guest_parameters"
		for setting in "${guest_env[@]}"; do
			printf 'export %q\n' "$setting"
		done
	} >"$folder/settings"
}

# The CPU has no AVX, of which QEMU 7.2 computed some wrongly, so that llvmpipe drew wrong pixels. What
# Documentation/performance.rst says was measured on this CPU.
guest_cpu=max,la57=off,avx=off,avx2=off,f16c=off,fma=off,vaes=off

# guest_qemu FOLDER: the machine itself, the command's terminal on stdin and stdout
guest_qemu() {
	local share number=0 devices=() terminal arguments=$kernel_arguments
	# Two sockets: the table that kernels without ACPI find processors by has one of each socket.
	local cpu=(-accel "tcg,thread=multi" -cpu "$guest_cpu" -smp "2,sockets=2")
	for share in "$lab_project:" "${guest_shares[@]}"; do
		devices+=(
			-fsdev "local,id=share$number,path=${share%:*},security_model=none,multidevs=remap"
			-device "virtio-9p-pci,fsdev=share$number,mount_tag=share$number"
		)
		((++number))
	done
	if [[ $guest_interactive ]]; then
		terminal=(-chardev "stdio,id=terminal,signal=off" -device "virtconsole,chardev=terminal")
	else
		terminal=(-chardev "file,id=terminal,path=/dev/stdout" -device "virtserialport,chardev=terminal")
	fi
	# String instructions count by the word: by the byte, clearing a page would hide everything else.
	# Nothing random, for one boot to be like the next.
	if [[ $guest_icount ]]; then
		cpu=(-accel "tcg,thread=single" -icount "shift=0,sleep=off" -smp 1
			-cpu "$guest_cpu,erms=off,fsrm=off" -seed 1 -rtc "base=2026-01-01T00:00:00,clock=vm")
		arguments+=" nokaslr norandmaps"
	fi
	exec qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
		-M pc "${cpu[@]}" -m "$guest_memory" \
		-kernel "$kernel_image" -initrd "$1/initrd" \
		-append "console=ttyS0 ignore_loglevel log_buf_len=4M printk.devkmsg=on mitigations=off init_on_alloc=0 \
panic=-1 oops=panic no_timer_check kasan_multi_shot rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30 \
$arguments job=/src/${1#"$lab_project/"}" \
		-chardev "file,id=log,path=$1/dmesg.txt" -serial chardev:log \
		-drive "file=$root_dir/disk.img,format=raw,if=none,id=disk,snapshot=on,cache=unsafe" \
		-device virtio-blk-pci,drive=disk \
		-drive "file=$mesa_disk,format=raw,if=none,id=mesa,readonly=on" \
		-device virtio-blk-pci,drive=mesa \
		-device virtio-serial-pci "${terminal[@]}" \
		"${devices[@]}"
}

# The pipe is always there: QEMU opens its stdout anew, which would truncate a file.
guest_qemu_piped() {
	guest_qemu "$guest_folder" | "${guest_reader[@]}"
}

# guest_boot COMMAND...: boots and has the command run, and leaves all of it in $guest_folder
guest_boot() {
	guest_folder=$(mktemp -d "$lab_out/job.XXXXXX")
	lab_scratch+=("$guest_folder")
	: >"$guest_folder/dmesg.txt"
	ln -f "$guest_folder/dmesg.txt" "$lab_out/dmesg.txt"
	guest_write_job "$guest_folder" "$@"
	guest_make_initrd "$guest_folder/initrd"
	if [[ $guest_interactive ]]; then
		(guest_qemu "$guest_folder") || true
	else
		guest_boot_piped
	fi
}

# QEMU itself may crash: once in some hundreds of boots version 7.2 does. What the guest has not begun gets
# another boot then; what it has begun does not.
guest_boot_piped() {
	local job tries status
	for ((tries = 0; tries < 2; tries++)); do
		status=0
		start guest_qemu_piped
		finish "$job" || status=$?
		case $status in
		$((128 + 6)) | $((128 + 7)) | $((128 + 11))) [[ ! -e $guest_folder/begun ]] || return 0 ;;
		*) return 0 ;;
		esac
		say "QEMU was ended by signal $((status - 128)) while the guest booted"
	done
}

# guest_run COMMAND...: boots, has the command run, and returns its status, or 1 where that is 0 but
# the kernel log reports something
guest_run() {
	local status=$lab_broken
	guest_boot "$@"
	if [[ -s $guest_folder/status ]]; then
		status=$(<"$guest_folder/status")
	else
		say "the guest ended before the command did"
	fi
	if ! kernel_log_read "$guest_folder/dmesg.txt" >"$guest_folder/reports"; then
		say "the kernel log reports:"
		cat "$guest_folder/reports" >&2
		((status)) || status=1
	elif [[ ! -s $guest_folder/status ]]; then
		say "the end of its kernel log:"
		tail -n 25 "$guest_folder/dmesg.txt" >&2
	fi
	return "$status"
}
