/* SPDX-License-Identifier: MIT */
/* Copies words of a source, which is there in several ways, to a buffer. */
#version 460
#extension GL_EXT_buffer_reference : require

layout(local_size_x = 256) in;

#if SOURCE == 0
layout(set = 0, binding = 0) readonly buffer Source { uint words[]; } source;
#define WORD(i) source.words[i]
#elif SOURCE == 1
layout(set = 0, binding = 0) uniform usampler2D source;
#define WORD(i) texelFetch(source, ivec2(i % 512, i / 512), 0).r
#else
layout(buffer_reference) readonly buffer Source { uint words[]; };
layout(push_constant) uniform Constants { Source source; };
#define WORD(i) source.words[i]
#endif

layout(set = 0, binding = 1) writeonly buffer Destination { uint words[]; } destination;

void main()
{
   uint i = gl_GlobalInvocationID.x;

   destination.words[i] = WORD(i);
}
