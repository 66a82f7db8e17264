/* SPDX-License-Identifier: MIT */
#ifndef IGT_TIDE_FAULT_H
#define IGT_TIDE_FAULT_H

#include <stdbool.h>

/*
 * Fault injection of the kernel's, Documentation/fault-injection there. Ends with
 * the test, however that ends.
 */

/*
 * Skips where the kernel cannot have an allocation or a user copy of the calling
 * task fail. Every allocation may, from here on.
 */
void fault_require(void);
/* The calling task's nth allocation, page or user copy from here on fails. */
void fault_arm(unsigned int n);
/* Ends that. Returns true if it has come to the nth one. */
bool fault_hit(void);

/* Skips where the kernel cannot have steps of the driver's fail. */
void fault_point_require(int fd);
/*
 * A step of the driver's, a folder in its debugfs, fails the next so many times,
 * whoever takes it.
 */
void fault_point_arm(int fd, const char *name, int times);
/* Ends that. Returns how many of the times have not come. */
int fault_point_end(void);

#endif
