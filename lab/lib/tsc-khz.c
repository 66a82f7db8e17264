/* SPDX-License-Identifier: MIT */
/* Prints how many thousand times in a second this machine's time-stamp counter ticks. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define MEASURED_NS 50000000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int main(void)
{
	uint64_t begin = now_ns(), ticks = __rdtsc(), end;

	do
		end = now_ns();
	while (end - begin < MEASURED_NS);
	ticks = __rdtsc() - ticks;
	printf("%llu\n", (unsigned long long)(ticks * 1000000 / (end - begin)));
	return 0;
}
