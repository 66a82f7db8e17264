/* SPDX-License-Identifier: MIT */
#version 450

layout(push_constant) uniform Constants { vec4 rectangle; };
layout(location = 0) out vec2 place;

void main()
{
   place = vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1);
   gl_Position = vec4(rectangle.xy + place * rectangle.zw, 0.0, 1.0);
}
