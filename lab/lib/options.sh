# shellcheck shell=bash
# The options that lab/run and lab/shell share.

guest_options_help='  --kernel NAME      the kernel to boot: stock (that of Debian 13, 6.12, the default),
                     7.3 (of its backports), debug (lockdep, KASAN and more), kcsan (data
                     races) or gcov (see lab/coverage); these three are built at first use
  --module PARAMS    load tide.ko with these parameters, such as local_mib=64
  --memory MIB       the memory of the guest (default: 1024)
  --swap MIB         swap in compressed memory (default: none)
  --share DIR:NAME   have the folder DIR at /mnt/NAME, writable
  --package DEB      install this .deb file first
  --icount           one CPU, whose clock goes by instructions: one a nanosecond'

# guest_parse_options ARGUMENT...: takes the options above; what is left over is in guest_arguments
guest_parse_options() {
	while (($#)); do
		case $1 in
		--kernel | --module | --memory | --swap | --share | --package)
			(($# >= 2)) || die "$1 needs a value"
			;;&
		--kernel) guest_kernel=$2 ;;
		--module) guest_parameters=$2 ;;
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
		--icount)
			guest_icount=1
			shift
			continue
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
