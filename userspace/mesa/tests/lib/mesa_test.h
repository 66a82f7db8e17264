/* SPDX-License-Identifier: MIT */
#ifndef MESA_TEST_H
#define MESA_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What tests of Mesa on tide share: pictures that are compared with Debian's Mesa, and a look at
 * the memory that this process has on tide.
 *
 * A test of Mesa is an IGT test (igt.h), and may use all that tests of the driver use: igt_tide.h
 * for the debugfs knob that discards, igt_tide_pressure.h for real pressure. A body under
 * pressure_run() is a process of its own: let it make its own display or device, and no fixture.
 */

/* Pictures: RGBA, 8 bits each, rows from the bottom, as glReadPixels() gives them. */

struct mesa_picture {
   const char *name;
   uint32_t width, height;
   void (*draw)(const struct mesa_picture *picture, uint32_t *pixels);
   const void *data; /* for draw() */
};

/*
 * Has to come first in igt_main. Where this process was started to draw a picture on Debian's Mesa,
 * it does that and exits.
 */
void mesa_serve_references(const struct mesa_picture *pictures, uint32_t count);
/* Whether this process runs on Debian's Mesa: then nothing of it is on tide. */
bool mesa_is_reference(void);
/* Draws it here, and in a process of its own on Debian's Mesa; every pixel has to be the same. */
void mesa_check_picture(const struct mesa_picture *picture);
/* The picture as Debian's Mesa draws it, to be freed. */
uint32_t *mesa_reference(const struct mesa_picture *picture);
void mesa_check_pixels(const struct mesa_picture *picture, const uint32_t *is,
                       const uint32_t *should);

/* Parts of a test that need a process of their own, on Debian's Mesa or in another cgroup */

/*
 * Starts this program anew, to do what the text says; on Debian's Mesa if `stock`. Files without
 * O_CLOEXEC stay open in it.
 */
pid_t mesa_start(const char *task, bool stock);
/* What this process was started for, to be looked at first in igt_main; NULL: for the test. */
const char *mesa_task(void);

/* Memory on tide */

/* The sum of a key of fdinfo, such as drm-total-system, over this process's clients of tide. */
uint64_t mesa_memory(const char *key);
/*
 * The file of the client that has the most memory of those that this process has open, but for that
 * of another file: Mesa's own.
 */
int mesa_node(int other);
/* Discards everything that clients of this process have offered. Takes an open render node. */
void mesa_discard_offered(int fd);

#endif
