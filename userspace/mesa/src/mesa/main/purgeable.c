/* SPDX-License-Identifier: MIT */

/**
 * \file purgeable.c
 * GL_APPLE_object_purgeable
 *
 * A purgeable object's storage is offered to the driver. What the extension
 * leaves undefined is defined here, and nothing of it is an error:
 *
 * Using a purgeable object, in any way and from any context, takes its storage
 * back for the driver, and with it the content, or zeros. The object remains
 * PURGEABLE_APPLE, and ObjectUnpurgeableAPPLE tells of the loss.
 *
 * Storage that an object gets while it is purgeable is not offered.
 * ObjectUnpurgeableAPPLE then returns UNDEFINED_APPLE, because it cannot know
 * how much of the object was specified anew.
 *
 * An object without storage has nothing that could be lost.
 */

#include "bufferobj.h"
#include "context.h"
#include "enums.h"
#include "fbobject.h"
#include "mtypes.h"
#include "texobj.h"

#include "api_exec_decl.h"

#include "pipe/p_context.h"
#include "state_tracker/st_cb_bitmap.h"
#include "state_tracker/st_context.h"
#include "util/u_atomic.h"
#include "util/u_inlines.h"

struct object
{
   struct gl_purgeable *purgeable;
   struct pipe_resource *storage;
   struct gl_buffer_object *buffer; /* if it is one */
};

/* Raises the error itself. */
static bool
lookup(struct gl_context *ctx, GLenum type, GLuint name, const char *func,
       struct object *object)
{
   struct gl_buffer_object *buffer;
   struct gl_texture_object *texture;
   struct gl_renderbuffer *renderbuffer;

   *object = (struct object){0};

   if (!_mesa_has_APPLE_object_purgeable(ctx)) {
      _mesa_error(ctx, GL_INVALID_OPERATION, "%s(unsupported)", func);
      return false;
   }

   /* A name that was generated but never bound belongs to no object yet: it
    * stands for a texture without target, or for a dummy without name.
    */
   switch (type) {
   case GL_BUFFER_OBJECT_APPLE:
      buffer = _mesa_lookup_bufferobj(ctx, name);
      if (buffer && buffer->Name) {
         object->purgeable = &buffer->Purgeable;
         object->storage = buffer->buffer;
         object->buffer = buffer;
      }
      break;
   case GL_TEXTURE:
      texture = name ? _mesa_lookup_texture(ctx, name) : NULL;
      if (texture && texture->Target) {
         object->purgeable = &texture->Purgeable;
         object->storage = texture->pt;
      }
      break;
   case GL_RENDERBUFFER:
      renderbuffer = _mesa_lookup_renderbuffer(ctx, name);
      if (renderbuffer && renderbuffer->Name) {
         object->purgeable = &renderbuffer->Purgeable;
         object->storage = renderbuffer->texture;
      }
      break;
   default:
      _mesa_error(ctx, GL_INVALID_ENUM, "%s(objectType = %s)", func,
                  _mesa_enum_to_string(type));
      return false;
   }

   if (!object->purgeable) {
      _mesa_error(ctx, GL_INVALID_VALUE, "%s(name = %u)", func, name);
      return false;
   }
   return true;
}

/* Of two threads that change the same object at once, one gets an error, as if
 * it had come too early or too late.
 */
static bool
begin_change(struct gl_context *ctx, struct gl_purgeable *purgeable,
             enum gl_purgeable_state from, const char *func)
{
   if (p_atomic_cmpxchg(&purgeable->State, from, PURGEABLE_CHANGES) == from)
      return true;

   _mesa_error(ctx, GL_INVALID_OPERATION, "%s(object is %spurgeable already)",
               func, from == UNPURGEABLE ? "" : "un");
   return false;
}

static void
offer(struct gl_context *ctx, struct object *object, GLenum option)
{
   struct gl_purgeable *purgeable = object->purgeable;
   struct pipe_context *pipe = ctx->pipe;

   /* What is still here has to reach the driver first, or it would take the
    * storage back when it does.
    */
   FLUSH_VERTICES(ctx, 0, 0);
   st_flush_bitmap_cache(st_context(ctx));

   /* It has what it remembers from content that may be lost. */
   if (object->buffer)
      object->buffer->MinMaxCacheDirty = true;

   pipe_resource_reference(&purgeable->Storage, object->storage);
   purgeable->DiscardCount = object->storage->discard_count;
   pipe->resource_offer(pipe, object->storage,
                        option == GL_RELEASED_APPLE ?
                           PIPE_MEMORY_PRIORITY_LOW :
                           PIPE_MEMORY_PRIORITY_NORMAL);
}

GLenum GLAPIENTRY
_mesa_ObjectPurgeableAPPLE(GLenum objectType, GLuint name, GLenum option)
{
   static const char func[] = "glObjectPurgeableAPPLE";
   GET_CURRENT_CONTEXT(ctx);
   struct object object;

   if (!lookup(ctx, objectType, name, func, &object))
      return 0;

   if (option != GL_VOLATILE_APPLE && option != GL_RELEASED_APPLE) {
      _mesa_error(ctx, GL_INVALID_ENUM, "%s(option = %s)", func,
                  _mesa_enum_to_string(option));
      return 0;
   }

   if (!begin_change(ctx, object.purgeable, UNPURGEABLE, func))
      return 0;

   if (object.storage)
      offer(ctx, &object, option);

   p_atomic_set(&object.purgeable->State, PURGEABLE);

   /* Storage that is offered is not released before memory is short. */
   return object.storage ? GL_VOLATILE_APPLE : option;
}

/* Whether the object has what it had when it was made purgeable. */
static bool
reclaim(struct gl_context *ctx, const struct object *object, bool *retained)
{
   struct gl_purgeable *purgeable = object->purgeable;
   struct pipe_context *pipe = ctx->pipe;

   if (purgeable->Storage &&
       !pipe->resource_reclaim(pipe, purgeable->Storage))
      return false;

   *retained = purgeable->Storage == object->storage &&
               (!object->storage ||
                object->storage->discard_count == purgeable->DiscardCount);
   pipe_resource_reference(&purgeable->Storage, NULL);
   return true;
}

GLenum GLAPIENTRY
_mesa_ObjectUnpurgeableAPPLE(GLenum objectType, GLuint name, GLenum option)
{
   static const char func[] = "glObjectUnpurgeableAPPLE";
   GET_CURRENT_CONTEXT(ctx);
   struct object object;
   bool retained;

   if (!lookup(ctx, objectType, name, func, &object))
      return 0;

   if (option != GL_RETAINED_APPLE && option != GL_UNDEFINED_APPLE) {
      _mesa_error(ctx, GL_INVALID_ENUM, "%s(option = %s)", func,
                  _mesa_enum_to_string(option));
      return 0;
   }

   if (!begin_change(ctx, object.purgeable, PURGEABLE, func))
      return 0;

   if (!reclaim(ctx, &object, &retained)) {
      p_atomic_set(&object.purgeable->State, PURGEABLE);
      _mesa_error(ctx, GL_OUT_OF_MEMORY, "%s", func);
      return 0;
   }

   p_atomic_set(&object.purgeable->State, UNPURGEABLE);

   return retained ? option : GL_UNDEFINED_APPLE;
}

void GLAPIENTRY
_mesa_GetObjectParameterivAPPLE(GLenum objectType, GLuint name, GLenum pname,
                                GLint *value)
{
   static const char func[] = "glGetObjectParameterivAPPLE";
   GET_CURRENT_CONTEXT(ctx);
   struct object object;

   if (!lookup(ctx, objectType, name, func, &object))
      return;

   if (pname != GL_PURGEABLE_APPLE) {
      _mesa_error(ctx, GL_INVALID_ENUM, "%s(pname = %s)", func,
                  _mesa_enum_to_string(pname));
      return;
   }

   *value = p_atomic_read(&object.purgeable->State) != UNPURGEABLE;
}
