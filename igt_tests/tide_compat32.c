// SPDX-License-Identifier: MIT
/**
 * TEST: tide compat32
 * Description: 32-bit clients use the same structs.
 */

#include "igt.h"
#include "igt_tide.h"
#include "tide_compat32_layout.h"

#include <sys/wait.h>

IGT_TEST_DESCRIPTION("A 32-bit client makes every call");

static char client[512];

static void find_client(void)
{
	char *slash;
	ssize_t length = readlink("/proc/self/exe", client, sizeof(client) - 64);

	igt_assert_lt(0, length);
	client[length] = 0;
	slash = strrchr(client, '/');
	snprintf(slash, 64, "/tide_compat32_client");
	igt_require_f(!access(client, X_OK), "no %s\n", client);
}

/* Runs a case of the client's, and gives its output. */
static void run(const char *name, char *output, size_t size)
{
	/* Names are for primary nodes. */
	const char *node = __tide_node(!strcmp(name, "flink"));
	char command[1024];
	size_t used = 0;
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), "%s %s %s", client, node ? node : "-", name);
	pipe = popen(command, "r");
	igt_assert(pipe);
	while (used < size - 1 && fgets(output + used, size - used, pipe))
		used += strlen(output + used);
	output[used] = 0;
	status = pclose(pipe);
	igt_assert_f(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x: %s\n", status,
		     output);
}

static void test_layout(void)
{
	char theirs[LAYOUT_SIZE], ours[LAYOUT_SIZE];

	layout(ours);
	run("layout", theirs, sizeof(theirs));
	igt_assert_eq(strcmp(ours, theirs), 0);
}

igt_main {
	static const char *const cases[] = {
		"info", "create", "mmap", "queue", "residency", "offer", "budget", "submit", "flink",
	};
	char output[LAYOUT_SIZE];

	igt_fixture {
		close(tide_open_render());
		find_client();
	}

	igt_describe("Structs and ioctl numbers are the same for both");
	igt_subtest("h7-compat32-layout")
		test_layout();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		igt_describe_f("A 32-bit client's %s calls", cases[i]);
		igt_subtest_f("h7-compat32-%s", cases[i])
			run(cases[i], output, sizeof(output));
	}
}
