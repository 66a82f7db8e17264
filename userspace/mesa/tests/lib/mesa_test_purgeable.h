/* SPDX-License-Identifier: MIT */
#ifndef MESA_TEST_PURGEABLE_H
#define MESA_TEST_PURGEABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "mesa_test_gl.h"

/* Objects of GL_APPLE_object_purgeable, each kind with a content of the same size. */

#define OBJECT_SIDE   256u
#define OBJECT_PIXELS (OBJECT_SIDE * OBJECT_SIDE)
#define OBJECT_BYTES  (OBJECT_PIXELS * 4)

enum object_kind {
   OBJECT_BUFFER,
   OBJECT_TEXTURE,
   OBJECT_RENDERBUFFER,
   OBJECT_KIND_COUNT,
};

struct object {
   enum object_kind kind;
   GLuint name;
};

extern const char *const object_kind_names[OBJECT_KIND_COUNT];
/* What the extension calls the kind. */
extern const GLenum object_types[OBJECT_KIND_COUNT];

/* A name, which belongs to nothing before it was bound. */
struct object object_generate(enum object_kind kind);
void object_bind(const struct object *object);
/* Gives it storage of a side, and undefined content. */
void object_storage(const struct object *object, uint32_t side);
/* All of the above, with OBJECT_SIDE. */
struct object object_create(enum object_kind kind);
void object_delete(const struct object *object);

/* Of storage of OBJECT_SIDE; nothing is left unfinished. */
void object_write(const struct object *object, const uint32_t *pixels);
void object_read(const struct object *object, uint32_t *pixels);
void object_fill(const struct object *object, uint32_t seed);
void object_check(const struct object *object, uint32_t seed);
void object_check_zero(const struct object *object);

/* These assert that there is no error. */
GLenum object_purgeable(const struct object *object, GLenum option);
GLenum object_unpurgeable(const struct object *object, GLenum option);
bool object_is_purgeable(const struct object *object);

/* Frees what Mesa keeps of deleted objects, which is offered, too. */
void object_trim(void);
/* Bytes that this process has offered. */
uint64_t object_offered_bytes(void);

#endif
