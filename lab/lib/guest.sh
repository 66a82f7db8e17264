# shellcheck shell=bash
# Booting a guest, having it run one command, and reading its kernel log.
#
# A guest gets its orders from a job folder under build/lab, which it sees at the same place below
# /src: `command` is run, `settings` are shell variables, `packages` are installed; it writes `status`.

guest_kernel=stock
guest_memory=1024
guest_swap=0
guest_shares=()   # FOLDER:NAME
guest_packages=() # .deb files
guest_env=()      # NAME=VALUE, for the command
guest_interactive= # a person's terminal, as arguments of stty
guest_log=$lab_out/dmesg.txt

# Everything in the log that means that something is broken, whatever the command thought. An OOM
# kill is none of it.
guest_splats='\] (WARNING: |BUG: |kernel BUG at |Oops|.*general protection fault|refcount_t: |UBSAN: |KASAN|list_(add|del) corruption|ODEBUG: |INFO: task .* blocked for more than|rcu: INFO: |watchdog: BUG|Kernel panic|.*still mapped when deleted|.*Bad page|.*Bad rss|kmemleak: .*new suspected|page dumped because|DEBUG_LOCKS_WARN_ON|slab .*Objects remaining)'

# guest_read_log FILE: prints what is broken in a kernel log; fails if anything is
guest_read_log() {
	awk -v splat="$guest_splats" '
		# A fault of a process is its own matter.
		/\] traps: / { next }
		$0 ~ splat && left == 0 { reports++; left = reports > 5 ? 1 : 60 }
		left > 0 { print; left-- }
		/---\[ end trace/ { left = 0 }
		END { exit reports > 0 }
	' "$1"
}

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
		for setting in "${guest_env[@]}"; do
			printf 'export %q\n' "$setting"
		done
	} >"$folder/settings"
}

# guest_qemu FOLDER: the machine itself, the command's terminal on stdin and stdout
guest_qemu() {
	local share number=0 devices=() terminal
	for share in "$lab_project:src" "${guest_shares[@]}"; do
		devices+=(
			-fsdev "local,id=share$number,path=${share%:*},security_model=none,multidevs=remap"
			-device "virtio-9p-pci,fsdev=share$number,mount_tag=${share##*:}"
		)
		((++number))
	done
	if [[ $guest_interactive ]]; then
		terminal=(-chardev "stdio,id=terminal,signal=off" -device "virtconsole,chardev=terminal")
	else
		terminal=(-chardev "file,id=terminal,path=/dev/stdout" -device "virtserialport,chardev=terminal")
	fi
	exec setpriv --pdeathsig KILL \
		qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
		-M pc -accel tcg,thread=multi -cpu max,la57=off -smp 2 -m "$guest_memory" \
		-kernel "$kernel_image" -initrd "$1/initrd" \
		-append "console=ttyS0 ignore_loglevel log_buf_len=4M printk.devkmsg=on mitigations=off \
panic=-1 oops=panic rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30 ${kernel_options[*]} \
job=/src/${1#"$lab_project/"}" \
		-chardev "file,id=log,path=$1/dmesg.txt" -serial chardev:log \
		-drive "file=$root_dir/disk.img,format=raw,if=none,id=disk,snapshot=on,cache=unsafe" \
		-device virtio-blk-pci,drive=disk \
		-device virtio-serial-pci "${terminal[@]}" \
		"${devices[@]}"
}

# QEMU opens its stdout anew, which would truncate a file: the pipe is there against that.
guest_qemu_streaming() {
	guest_qemu "$1" | cat
}

# guest_run COMMAND...: boots, has the command run, and returns its status, or 1 where that is 0 but
# the kernel log reports something
guest_run() {
	local folder job status=$lab_broken
	host_need qemu-system-x86_64:qemu-system-x86
	folder=$(mktemp -d "$lab_out/job.XXXXXX")
	: >"$folder/dmesg.txt"
	ln -f "$folder/dmesg.txt" "$guest_log"
	guest_write_job "$folder" "$@"
	guest_make_initrd "$folder/initrd"
	if [[ $guest_interactive ]]; then
		guest_qemu "$folder"
	else
		start guest_qemu_streaming "$folder"
		wait "$job" || true
	fi
	if [[ -s $folder/status ]]; then
		status=$(<"$folder/status")
	else
		say "the guest ended before the command did"
	fi
	if ! guest_read_log "$folder/dmesg.txt" >"$folder/reports"; then
		say "the kernel log reports:"
		cat "$folder/reports" >&2
		((status)) || status=1
	elif [[ ! -s $folder/status ]]; then
		say "the end of its kernel log:"
		tail -n 25 "$folder/dmesg.txt" >&2
	fi
	rm -rf "$folder"
	return "$status"
}

guest_options_help='  --kernel NAME      the kernel to boot: stock (that of Debian 13, the default)
  --memory MIB       the memory of the guest (default: 1024)
  --swap MIB         swap in compressed memory (default: none)
  --share DIR:NAME   have the folder DIR at /mnt/NAME, writable
  --package DEB      install this .deb file first'

# guest_parse_options ARGUMENT...: takes the options above; what is left over is in guest_arguments
guest_parse_options() {
	while (($#)); do
		case $1 in
		--kernel | --memory | --swap | --share | --package)
			(($# >= 2)) || die "$1 needs a value"
			;;&
		--kernel) guest_kernel=$2 ;;
		--memory) guest_memory=$(guest_number "$1" "$2") ;;
		--swap) guest_swap=$(guest_number "$1" "$2") ;;
		--share)
			[[ -d ${2%:*} && ${2##*:} =~ ^[[:alnum:]_-]+$ && $2 == *:* ]] || die "--share $2: not FOLDER:NAME"
			guest_shares+=("$(realpath "${2%:*}"):${2##*:}")
			;;
		--package)
			[[ -f $2 ]] || die "--package $2: no such file"
			guest_packages+=("$2")
			;;
		*) break ;;
		esac
		shift 2
	done
	guest_arguments=("$@")
}

guest_number() {
	[[ $2 =~ ^[0-9]+$ ]] || die "$1 $2: not a number"
	echo "$2"
}
