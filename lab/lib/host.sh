# shellcheck shell=bash
# What the lab needs of the machine that it runs on: a few packages, and where Debian is fetched from.

host_check() {
	((EUID == 0)) || die "run me as root: the root folder and its mounts need it"
	[[ $(uname -m) == x86_64 ]] || die "the guest is an x86-64 machine, and so must this one be"
	command -v apt-get >/dev/null || die "this needs a Debian 12 or 13 machine"
}

host_install_packages() {
	apt-get -q -o DPkg::Lock::Timeout=600 update
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
		install --no-install-recommends "$@"
}

# host_prepare: installs the packages whose command is not there
host_prepare() {
	local pair missing=()
	for pair in mmdebstrap:mmdebstrap mke2fs:e2fsprogs mount:mount xz:xz-utils; do
		command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
	done
	((${#missing[@]} == 0)) || step "installing ${missing[*]}" host_install_packages "${missing[@]}"
	host_has_qemu || step "installing QEMU" host_install_qemu
}

# host_has_qemu: whether there is one of 8.1 or later. Before, it did not lock the pages that it translated: a
# breakpoint that the kernel had in its text for a moment could stay in the translation, which was an oops of the
# guest's (QEMU's commit deba78709ae8).
host_has_qemu() {
	local version
	version=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
	dpkg --compare-versions "${version:-0}" ge 8.1
}

# host_install_qemu: from the backports on Debian 12, whose own is 7.2
host_install_qemu() {
	local apt codename package=qemu-system-x86
	apt=$(mktemp -d)
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	[[ ! -e /etc/apt/sources.list ]] || cp /etc/apt/sources.list "$apt"
	if [[ $codename == bookworm ]]; then
		printf 'deb %s bookworm-backports main\n' "$(host_debian)" >>"$apt/sources.list"
		package+=/bookworm-backports
	fi
	echo "Dir::Etc::SourceList \"$apt/sources.list\";" >"$apt/apt.conf"
	APT_CONFIG=$apt/apt.conf host_install_packages "$package"
	rm -r "$apt"
}

# host_mirror LABEL: the address from which the machine's own apt fetches Debian or Debian-Security
host_mirror() {
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format '$(ORIGIN):$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk -v want="Debian:$1" '$1 == want { print $2; exit }'
}

# host_debian: Debian's address, also where apt has not been used before
host_debian() {
	local main
	main=$(host_mirror Debian)
	if [[ -z $main ]]; then
		apt-get -q -o DPkg::Lock::Timeout=600 update >&2
		main=$(host_mirror Debian)
	fi
	[[ -n $main ]] || die "apt on this machine knows no Debian mirror"
	echo "$main"
}

# host_sources: Debian 13's entries for a sources.list, from the machine's own mirror
host_sources() {
	local main security
	main=$(host_debian)
	security=$(host_mirror Debian-Security)
	printf 'deb %s trixie main\n' "$main"
	printf 'deb %s trixie-updates main\n' "$main"
	[[ -z $security ]] || printf 'deb %s trixie-security main\n' "$security"
}

# host_backports: the entry of Debian 13's backports
host_backports() {
	printf 'deb %s trixie-backports main\n' "$(host_debian)"
}

# host_apt_options: how the machine reaches its mirror (proxies, dates), as options for another apt
host_apt_options() {
	apt-config dump Acquire::http Acquire::https Acquire::Check-Valid-Until Acquire::Check-Date |
		grep -v ' "";$' || true
}
