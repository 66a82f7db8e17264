/* SPDX-License-Identifier: MIT */
/* The mean of four samples, as in draw.c. */
#version 450

layout(set = 0, binding = 0) uniform sampler2D image;
layout(constant_id = 0) const float spread = 0.0;
layout(location = 0) in vec2 place;
layout(location = 0) out vec4 color;

vec4 pick(vec2 offset)
{
   return texture(image, place + offset * spread);
}

void main()
{
   vec4 left = pick(vec2(-1, -1)) + pick(vec2(-1, 1));
   vec4 right = pick(vec2(1, -1)) + pick(vec2(1, 1));

   color = 0.25 * (left + right);
}
