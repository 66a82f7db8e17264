# shellcheck shell=bash
# The lab as one thing to include: what a command needs in its beginning.

lab_lib=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=common.sh
. "$lab_lib/common.sh"
# shellcheck source=host.sh
. "$lab_lib/host.sh"
# shellcheck source=cache.sh
. "$lab_lib/cache.sh"
# shellcheck source=root.sh
. "$lab_lib/root.sh"
# shellcheck source=chroot.sh
. "$lab_lib/chroot.sh"
# shellcheck source=download.sh
. "$lab_lib/download.sh"
# shellcheck source=kernel-source.sh
. "$lab_lib/kernel-source.sh"
# shellcheck source=kernel-backport.sh
. "$lab_lib/kernel-backport.sh"
# shellcheck source=kernel.sh
. "$lab_lib/kernel.sh"
# shellcheck source=mesa.sh
. "$lab_lib/mesa.sh"
# shellcheck source=build.sh
. "$lab_lib/build.sh"
# shellcheck source=kernel-log.sh
. "$lab_lib/kernel-log.sh"
# shellcheck source=guest.sh
. "$lab_lib/guest.sh"

# lab_prepare: has the root folder and the guest's kernel there
lab_prepare() {
	host_check
	mkdir -p "$lab_out"
	host_prepare
	root_use
	kernel_use "$guest_kernel"
	[[ ! $kernel_modules ]] || guest_shares+=("$kernel_modules:modules")
}
