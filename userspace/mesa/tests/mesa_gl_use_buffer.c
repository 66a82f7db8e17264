/* SPDX-License-Identifier: MIT */
/* Purgeable buffers are used in every way that GL has. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_use.h"

IGT_TEST_DESCRIPTION("Uses of purgeable buffers");

#define HALF (OBJECT_BYTES / 2)

static const char show_point[] = "in vec4 shade;\n"
                                 "out vec4 colour;\n"
                                 "void main() { colour = shade; }\n";

static GLuint query;
static GLuint other;

static void
go_points(GLuint object)
{
   use_draw_points(USE_PIXELS);
}

static void
go_all(GLuint object)
{
   use_draw_all();
}

static void
setup_vertex(GLuint object)
{
   use_program("in vec4 bytes;\n"
               "out vec4 shade;\n"
               "void main() { shade = bytes; gl_Position = place_of(uint(gl_VertexID)); }\n",
               show_point);
   glBindBuffer(GL_ARRAY_BUFFER, object);
   glEnableVertexAttribArray(0);
   glVertexAttribPointer(0, 4, GL_UNSIGNED_BYTE, GL_TRUE, 0, NULL);
}

static void
setup_index(GLuint object)
{
   use_program("out vec4 shade;\n"
               "void main() {\n"
               "   uint id = uint(gl_VertexID);\n"
               "   shade = colour_of(id);\n"
               "   gl_Position = place_of(id);\n"
               "}\n",
               show_point);
   glBindBuffer(GL_ELEMENT_ARRAY_BUFFER, object);
}

static void
go_index(GLuint object)
{
   glDrawElements(GL_POINTS, USE_PIXELS, GL_UNSIGNED_INT, NULL);
}

/* With attributes, so that somebody may look for the smallest and the largest index. */
static void
prepare_index_range(GLuint object)
{
   static uint32_t indices[USE_PIXELS];

   for (uint32_t i = 0; i < USE_PIXELS; i++)
      indices[i] = USE_PIXELS - 1 - i;
   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   glBufferSubData(GL_COPY_WRITE_BUFFER, 0, sizeof(indices), indices);
}

static void
setup_index_range(GLuint object)
{
   static uint32_t shades[USE_PIXELS];

   mesa_fill_pixels(shades, USE_PIXELS, 7);
   glGenBuffers(1, &other);
   glBindBuffer(GL_COPY_WRITE_BUFFER, other);
   glBufferData(GL_COPY_WRITE_BUFFER, sizeof(shades), shades, GL_STATIC_DRAW);
   setup_vertex(other);
   glBindBuffer(GL_ELEMENT_ARRAY_BUFFER, object);
}

static void
prepare_indirect(GLuint object)
{
   const GLuint command[] = {USE_PIXELS, 1, 0, 0};

   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   glBufferSubData(GL_COPY_WRITE_BUFFER, 0, sizeof(command), command);
}

static void
setup_indirect(GLuint object)
{
   use_program("out vec4 shade;\n"
               "void main() { shade = vec4(1.0); gl_Position = place_of(uint(gl_VertexID)); }\n",
               show_point);
   glBindBuffer(GL_DRAW_INDIRECT_BUFFER, object);
}

static void
go_indirect(GLuint object)
{
   glDrawArraysIndirect(GL_POINTS, NULL);
}

#define UNIFORM_BLOCK "layout(std140, binding = 0) uniform Block { uvec4 words[1024]; };\n"

static void
setup_uniform_vertex(GLuint object)
{
   use_program(UNIFORM_BLOCK
               "out vec4 shade;\n"
               "void main() {\n"
               "   int i = gl_VertexID;\n"
               "   shade = colour_of(words[i / 4][i % 4]);\n"
               "   gl_Position = place_of(uint(i));\n"
               "}\n",
               show_point);
   glBindBufferRange(GL_UNIFORM_BUFFER, 0, object, 0, USE_PIXELS * 4);
}

#define FRAGMENT "   int i = int(gl_FragCoord.y) * SIDE + int(gl_FragCoord.x);\n"

static void
setup_uniform_fragment(GLuint object)
{
   use_program(use_all, UNIFORM_BLOCK "out vec4 colour;\n"
                                      "void main() {\n" FRAGMENT
                                      "   colour = colour_of(words[i / 4][i % 4]);\n"
                                      "}\n");
   glBindBufferRange(GL_UNIFORM_BUFFER, 0, object, 0, USE_PIXELS * 4);
}

#define STORAGE_BLOCK "layout(std430, binding = 0) buffer Block { uint words[]; };\n"

static void
setup_storage_vertex(GLuint object)
{
   use_program(STORAGE_BLOCK "out vec4 shade;\n"
                             "void main() {\n"
                             "   shade = colour_of(words[gl_VertexID]);\n"
                             "   gl_Position = place_of(uint(gl_VertexID));\n"
                             "}\n",
               show_point);
   glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, object);
}

static void
setup_storage_fragment(GLuint object)
{
   use_program(use_all, STORAGE_BLOCK "out vec4 colour;\n"
                                      "void main() {\n" FRAGMENT
                                      "   colour = colour_of(words[i]);\n"
                                      "   words[i + SIDE * SIDE] = uint(i);\n"
                                      "}\n");
   glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, object);
}

static void
setup_compute(GLuint object)
{
   static const char *const source = "#version 430\n"
                                     "layout(local_size_x = 64) in;\n" STORAGE_BLOCK
                                     "void main() { words[gl_GlobalInvocationID.x] ^= 0x5a5a5a5au; }\n";

   glUseProgram(glCreateShaderProgramv(GL_COMPUTE_SHADER, 1, &source));
   glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, object);
}

static void
go_compute(GLuint object)
{
   glDispatchCompute(USE_PIXELS / 64, 1, 1);
   glMemoryBarrier(GL_ALL_BARRIER_BITS);
}

static void
setup_atomic(GLuint object)
{
   use_program(use_all, "layout(binding = 0) uniform atomic_uint count;\n"
                        "out vec4 colour;\n"
                        "void main() { atomicCounterIncrement(count); colour = vec4(1.0); }\n");
   glBindBufferRange(GL_ATOMIC_COUNTER_BUFFER, 0, object, 0, 4);
}

static void
setup_texture_buffer(GLuint object)
{
   GLuint texture;

   use_program(use_all, "uniform usamplerBuffer words;\n"
                        "out vec4 colour;\n"
                        "void main() {\n" FRAGMENT
                        "   colour = colour_of(texelFetch(words, i).x);\n"
                        "}\n");
   glGenTextures(1, &texture);
   glBindTexture(GL_TEXTURE_BUFFER, texture);
   glTexBuffer(GL_TEXTURE_BUFFER, GL_R32UI, object);
}

static void
setup_feedback(GLuint object)
{
   static const char *const source = "#version 430\n"
                                     "flat out uint word;\n"
                                     "void main() { word = uint(gl_VertexID) * 3u; }\n";
   static const char *const varying = "word";
   GLuint shader = glCreateShader(GL_VERTEX_SHADER), program = glCreateProgram(), array;

   glShaderSource(shader, 1, &source, NULL);
   glCompileShader(shader);
   glAttachShader(program, shader);
   glTransformFeedbackVaryings(program, 1, &varying, GL_INTERLEAVED_ATTRIBS);
   glLinkProgram(program);
   glUseProgram(program);
   glGenVertexArrays(1, &array);
   glBindVertexArray(array);
   glBindBufferBase(GL_TRANSFORM_FEEDBACK_BUFFER, 0, object);
   glEnable(GL_RASTERIZER_DISCARD);
}

static void
go_feedback(GLuint object)
{
   glBeginTransformFeedback(GL_POINTS);
   use_draw_points(USE_PIXELS);
   glEndTransformFeedback();
}

/* Shows words in the framebuffer. */
static void
show(const uint32_t *words)
{
   glBindTexture(GL_TEXTURE_2D, use_target);
   glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, USE_SIDE, USE_SIDE, GL_RGBA, GL_UNSIGNED_BYTE, words);
}

static void
go_map(GLuint object)
{
   uint32_t *words;

   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   words = glMapBuffer(GL_COPY_WRITE_BUFFER, GL_READ_WRITE);
   igt_assert(words);
   show(words);
   memset(words + OBJECT_PIXELS / 2, 0x33, HALF);
   igt_assert(glUnmapBuffer(GL_COPY_WRITE_BUFFER));
}

static void
go_map_unsynchronized(GLuint object)
{
   uint32_t *words;

   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   words = glMapBufferRange(GL_COPY_WRITE_BUFFER, HALF, HALF,
                            GL_MAP_WRITE_BIT | GL_MAP_UNSYNCHRONIZED_BIT);
   igt_assert(words);
   memset(words, 0x33, HALF);
   igt_assert(glUnmapBuffer(GL_COPY_WRITE_BUFFER));
}

static void
go_get(GLuint object)
{
   static uint32_t words[USE_PIXELS];

   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   glGetBufferSubData(GL_COPY_WRITE_BUFFER, 0, sizeof(words), words);
   show(words);
}

static void
go_put(GLuint object)
{
   static uint32_t words[USE_PIXELS];

   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   glBufferSubData(GL_COPY_WRITE_BUFFER, HALF, sizeof(words), words);
}

static void
go_clear(GLuint object)
{
   const uint32_t word = 0x12345678;

   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   glClearBufferSubData(GL_COPY_WRITE_BUFFER, GL_R32UI, HALF, HALF, GL_RED_INTEGER, GL_UNSIGNED_INT,
                        &word);
}

static void
setup_other(GLuint object)
{
   glGenBuffers(1, &other);
   glBindBuffer(GL_COPY_READ_BUFFER, other);
   glBufferData(GL_COPY_READ_BUFFER, OBJECT_BYTES, NULL, GL_STATIC_DRAW);
}

static void
go_copy_from(GLuint object)
{
   glBindBuffer(GL_COPY_READ_BUFFER, object);
   glBindBuffer(GL_COPY_WRITE_BUFFER, other);
   glCopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, 0, OBJECT_BYTES);
   go_get(other);
}

static void
go_copy_to(GLuint object)
{
   glBindBuffer(GL_COPY_READ_BUFFER, other);
   glBindBuffer(GL_COPY_WRITE_BUFFER, object);
   glCopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, HALF, HALF);
}

static void
go_unpack(GLuint object)
{
   glBindBuffer(GL_PIXEL_UNPACK_BUFFER, object);
   show(NULL);
   glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
}

static void
go_draw_pixels(GLuint object)
{
   glBindBuffer(GL_PIXEL_UNPACK_BUFFER, object);
   glWindowPos2i(0, 0);
   glDrawPixels(USE_SIDE, USE_SIDE, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
   glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
}

static void
go_pack(GLuint object)
{
   glBindBuffer(GL_PIXEL_PACK_BUFFER, object);
   glReadPixels(0, 0, USE_SIDE, USE_SIDE, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
   glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
}

static void
setup_query(GLuint object)
{
   setup_indirect(0);
   glGenQueries(1, &query);
   glBeginQuery(GL_SAMPLES_PASSED, query);
   use_draw_points(5);
   glEndQuery(GL_SAMPLES_PASSED);
}

static void
go_query(GLuint object)
{
   glBindBuffer(GL_QUERY_BUFFER, object);
   glGetQueryObjectuiv(query, GL_QUERY_RESULT, NULL);
   glBindBuffer(GL_QUERY_BUFFER, 0);
}

#define BUFFER .kind = OBJECT_BUFFER, .api = MESA_GL_CORE

static const struct use uses[] = {
   {"vertex", BUFFER, NULL, setup_vertex, go_points},
   {"index", BUFFER, NULL, setup_index, go_index},
   {"index-range", BUFFER, prepare_index_range, setup_index_range, go_index},
   {"indirect", BUFFER, prepare_indirect, setup_indirect, go_indirect},
   {"uniform-vertex", BUFFER, NULL, setup_uniform_vertex, go_points},
   {"uniform-fragment", BUFFER, NULL, setup_uniform_fragment, go_all},
   {"storage-vertex", BUFFER, NULL, setup_storage_vertex, go_points},
   {"storage-fragment", BUFFER, NULL, setup_storage_fragment, go_all},
   {"storage-compute", BUFFER, NULL, setup_compute, go_compute},
   {"atomic", BUFFER, NULL, setup_atomic, go_all},
   {"texture-buffer", BUFFER, NULL, setup_texture_buffer, go_all},
   {"feedback", BUFFER, NULL, setup_feedback, go_feedback},
   {"map", BUFFER, NULL, NULL, go_map},
   {"map-unsynchronized", BUFFER, NULL, NULL, go_map_unsynchronized},
   {"get", BUFFER, NULL, NULL, go_get},
   {"put", BUFFER, NULL, NULL, go_put},
   {"clear", BUFFER, NULL, NULL, go_clear},
   {"copy-from", BUFFER, NULL, setup_other, go_copy_from},
   {"copy-to", BUFFER, NULL, setup_other, go_copy_to},
   {"unpack", BUFFER, NULL, NULL, go_unpack},
   {"pack", BUFFER, NULL, NULL, go_pack},
   {"query", BUFFER, NULL, setup_query, go_query},
   {"draw-pixels", .kind = OBJECT_BUFFER, .api = MESA_GL_COMPAT, .go = go_draw_pixels},
};

igt_main
{
   int fd = -1;

   igt_fixture
      fd = tide_open_render();

   for (uint32_t i = 0; i < ARRAY_SIZE(uses); i++) {
      igt_describe("It does what it does on a buffer that is not purgeable, or on zeros");
      igt_subtest(uses[i].name)
         use_check(fd, &uses[i]);
   }
}
