# shellcheck shell=bash
# piglit's programs for the guests, without the 2 GB of shaders that come in the same package.

piglit_make() {
	local files=(bin/ lib/ tests/quick_gl.xml.gz)
	download_packages "$1" piglit
	dpkg-deb --fsys-tarfile "$1"/piglit_*.deb |
		tar -x -C "$1" --strip-components=4 "${files[@]/#/./usr/lib/x86_64-linux-gnu/piglit/}"
	rm "$1"/piglit_*.deb
}

# piglit_use: has them there, and guests see them at /mnt/piglit
piglit_use() {
	cache_use piglit "$(sha256sum "$lab_lib/piglit.sh" | cut -c1-12)" "fetching piglit (34 MB)" piglit_make
	guest_shares+=("$cache_entry/piglit:piglit")
}
