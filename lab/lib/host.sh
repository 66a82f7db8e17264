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
	for pair in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap mke2fs:e2fsprogs mount:mount xz:xz-utils; do
		command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
	done
	((${#missing[@]} == 0)) || step "installing ${missing[*]}" host_install_packages "${missing[@]}"
}

# host_mirror LABEL: the address from which the machine's own apt fetches Debian or Debian-Security
host_mirror() {
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format '$(ORIGIN):$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk -v want="Debian:$1" '$1 == want { print $2; exit }'
}

# host_sources: Debian 13's entries for a sources.list, from the machine's own mirror
host_sources() {
	local main security
	main=$(host_mirror Debian)
	if [[ -z $main ]]; then
		apt-get -q -o DPkg::Lock::Timeout=600 update >&2
		main=$(host_mirror Debian)
	fi
	[[ -n $main ]] || die "apt on this machine knows no Debian mirror"
	security=$(host_mirror Debian-Security)
	printf 'deb %s trixie main\n' "$main"
	printf 'deb %s trixie-updates main\n' "$main"
	[[ -z $security ]] || printf 'deb %s trixie-security main\n' "$security"
}

# host_backports: the entry of Debian 13's backports
host_backports() {
	printf 'deb %s trixie-backports main\n' "$(host_mirror Debian)"
}

# host_apt_options: how the machine reaches its mirror (proxies, dates), as options for another apt
host_apt_options() {
	apt-config dump Acquire::http Acquire::https Acquire::Check-Valid-Until Acquire::Check-Date |
		grep -v ' "";$' || true
}
