/* SPDX-License-Identifier: MIT */

/* Processes, which tell each other numbers. They die with the one that started them. */

#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct process {
   pid_t pid;
   int told, tells; /* our ends */
};

/* Returns true in the new process, whose ends are in `process` then. */
bool
process_start(struct process *process, int oom_score_adj);
/* Kills it. */
void
process_end(struct process *process);

void
process_say(int fd, double value);
/* Waits for a word; false if the other has died. */
bool
process_hear(int fd, double *value);
/* Waits for a word of one that has to live. */
void
process_expect(struct process *process, const char *who);

#endif
