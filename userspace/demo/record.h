/* SPDX-License-Identifier: MIT */

/*
 * What a run leaves behind, in a folder: "frames" and "samples", a line each, and "end" once it
 * came to its end. Every line is out of the machine before the next is begun, since the run, or the
 * whole machine, may be killed at any moment.
 */

#ifndef DEMO_RECORD_H
#define DEMO_RECORD_H

#include <stdint.h>
#include <stdio.h>

struct frame_record {
   int frame;
   double ms;
   int decodes; /* so far, as the others */
   int reclaimed, lost;
   int wrong;        /* this frame: 1, or 0 */
   uint64_t picture; /* a hash of its pixels */
};

struct sample_record {
   double seconds;
   int frame;
   int free_mib, available_mib, swapped_mib; /* the machine's */
   int process_mib;                          /* this process' memory at its peak */
   int images_mib;                           /* the decoded images that are there */
   int discards;                             /* -1: not known */
};

FILE *
record_open(const char *folder, const char *name);

void
record_frame(FILE *file, const struct frame_record *record);
void
record_sample(FILE *file, const struct sample_record *record);

/* Both return how many lines were read, into a list for free(); none where there is no file. */
int
record_read_frames(const char *folder, struct frame_record **records);
int
record_read_samples(const char *folder, struct sample_record **records);

/* Fills in what /proc tells. */
void
record_look(struct sample_record *record);

#endif
