// SPDX-License-Identifier: MIT
/* What memory holds, and accesses to it that may end in a signal. */

#include "igt.h"
#include "igt_tide.h"

/*
 * Eight bytes of the pattern; a multiplication mixes, as all pages have to differ.
 * In the second half of a page they come sixteen times each: content that cannot be
 * compressed takes as much memory in a swap of compressed memory as it did before.
 */
static uint64_t pattern_word(uint32_t seed, uint64_t index)
{
	uint64_t x;

	if (index % (TIDE_PAGE / 8) >= TIDE_PAGE / 16)
		index &= ~15ull;
	x = (index + 1) * 0x9e3779b97f4a7c15ull + ((uint64_t)seed << 32 | seed);
	x ^= x >> 29;
	return x * 0xbf58476d1ce4e5b9ull;
}

static uint8_t pattern_byte(uint32_t seed, size_t at)
{
	return pattern_word(seed, at / 8) >> (at % 8 * 8);
}

void tide_pattern_fill(void *ptr, size_t size, uint32_t seed)
{
	uint8_t *bytes = ptr;
	uint64_t word;
	size_t at;

	for (at = 0; at + 8 <= size; at += 8) {
		word = pattern_word(seed, at / 8);
		memcpy(bytes + at, &word, 8);
	}
	for (; at < size; at++)
		bytes[at] = pattern_byte(seed, at);
}

size_t __tide_pattern_check(const void *ptr, size_t size, uint32_t seed, size_t at)
{
	const uint8_t *bytes = ptr;
	uint64_t word;
	size_t i = 0;

	while (i < size) {
		if (!((at + i) % 8) && i + 8 <= size) {
			memcpy(&word, bytes + i, 8);
			if (word == pattern_word(seed, (at + i) / 8)) {
				i += 8;
				continue;
			}
		}
		if (bytes[i] != pattern_byte(seed, at + i))
			return i;
		i++;
	}
	return size;
}

void tide_pattern_check(const void *ptr, size_t size, uint32_t seed)
{
	size_t bad = __tide_pattern_check(ptr, size, seed, 0);

	igt_assert_f(bad == size, "byte %zu of %zu is %#x where pattern %#x has %#x\n", bad, size,
		     ((const uint8_t *)ptr)[bad], seed, pattern_byte(seed, bad));
}

size_t __tide_zero_check(const void *ptr, size_t size)
{
	const uint8_t *bytes = ptr;
	uint64_t word;
	size_t i = 0;

	while (i < size) {
		if (i + 8 <= size) {
			memcpy(&word, bytes + i, 8);
			if (!word) {
				i += 8;
				continue;
			}
		}
		if (bytes[i])
			return i;
		i++;
	}
	return size;
}

void tide_zero_check(const void *ptr, size_t size)
{
	size_t bad = __tide_zero_check(ptr, size);

	igt_assert_f(bad == size, "byte %zu of %zu is %#x, not zero\n", bad, size,
		     ((const uint8_t *)ptr)[bad]);
}

void tide_bo_pattern(int fd, uint32_t handle, size_t size, uint32_t seed)
{
	void *ptr = tide_bo_map(fd, handle, size);

	tide_pattern_fill(ptr, size, seed);
	munmap(ptr, size);
}

void tide_bo_check(int fd, uint32_t handle, size_t size, uint32_t seed)
{
	void *ptr = tide_bo_map(fd, handle, size);

	tide_pattern_check(ptr, size, seed);
	munmap(ptr, size);
}

void tide_bo_check_zero(int fd, uint32_t handle, size_t size)
{
	void *ptr = tide_bo_map(fd, handle, size);

	tide_zero_check(ptr, size);
	munmap(ptr, size);
}

uint32_t tide_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

static sigjmp_buf cpu_jmpbuf;

static void cpu_handler(int sig)
{
	siglongjmp(cpu_jmpbuf, sig);
}

static int cpu_access(volatile void *ptr, uint8_t *byte, bool write)
{
	struct sigaction action = { .sa_handler = cpu_handler }, old_bus, old_segv;
	int sig;

	sigaction(SIGBUS, &action, &old_bus);
	sigaction(SIGSEGV, &action, &old_segv);
	sig = sigsetjmp(cpu_jmpbuf, 1);
	if (!sig) {
		if (write)
			*(volatile uint8_t *)ptr = *byte;
		else
			*byte = *(volatile uint8_t *)ptr;
	}
	sigaction(SIGBUS, &old_bus, NULL);
	sigaction(SIGSEGV, &old_segv, NULL);
	return -sig;
}

int __tide_cpu_read(const volatile void *ptr, uint8_t *byte)
{
	uint8_t ignored;

	return cpu_access((volatile void *)ptr, byte ? byte : &ignored, false);
}

int __tide_cpu_write(volatile void *ptr, uint8_t byte)
{
	return cpu_access(ptr, &byte, true);
}

void tide_unmap_pages(void *ptr, size_t size)
{
	do_or_die(madvise(ptr, size, MADV_DONTNEED));
}
