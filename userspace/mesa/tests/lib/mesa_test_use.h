/* SPDX-License-Identifier: MIT */
#ifndef MESA_TEST_USE_H
#define MESA_TEST_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "mesa_test_purgeable.h"

/*
 * Using an object that is purgeable, in one of the many ways that GL has. It has to do what it does
 * on an object that is not: with the same content, or with zeros where the content was discarded.
 */

/* What a use draws, into a framebuffer of this size. */
#define USE_SIDE   64u
#define USE_PIXELS (USE_SIDE * USE_SIDE)

struct use {
   const char *name;
   enum object_kind kind;
   enum mesa_api api;
   /* Optional: changes the content before all else. */
   void (*prepare)(GLuint object);
   /* Optional: what has to be there for go(). Not seen by go() is a framebuffer other than the one
    * that is bound. */
   void (*setup)(GLuint object);
   /* Uses it, and tells of the content by what it draws, or by what it leaves in the object. */
   void (*go)(GLuint object);
   /* The object has other storage after the first time. */
   bool new_storage;
};

void use_check(int tide_fd, const struct use *use);

/* For setup: a program (with #version and a function that makes a colour of bytes), and its use. */
void use_program(const char *vertex, const char *fragment);
/* Draws that many points, or a triangle that covers the framebuffer. */
void use_draw_points(uint32_t count);
void use_draw_all(void);
/* What kind the object is of, now. */
extern enum object_kind use_kind;
/* The framebuffer of USE_SIDE that go() finds bound, and its texture. */
extern GLuint use_framebuffer, use_target;

/* A vertex shader for use_draw_all(); one for points, the colour of which is an expression. */
extern const char use_all[];

#endif
