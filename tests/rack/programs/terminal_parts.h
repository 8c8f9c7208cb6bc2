// SPDX-License-Identifier: Apache-2.0
// What the parts of pseudo_terminals share: showing what is read.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "show.h"

// What settings and ioctls do: terminal_settings.cpp.
void terminal_settings();

inline void show_text(const char* what, const char* bytes, long count) {
  printf("%s %ld:", what, count);
  for (long i = 0; i < count; ++i) {
    const unsigned char c = static_cast<unsigned char>(bytes[i]);
    if (c >= ' ' && c < 127)
      putchar(c);
    else
      printf("\\%02x", c);
  }
  putchar('\n');
}

inline void show_read(const char* what, int descriptor) {
  char bytes[256];
  const long count = read(descriptor, bytes, sizeof bytes);
  if (count < 0)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else
    show_text(what, bytes, count);
}

// Reads until the end of what is expected is there: a terminal may hand it over in pieces.
inline void show_until(const char* what, int descriptor, const char* end) {
  char bytes[512];
  long used = 0;
  while (used < static_cast<long>(sizeof bytes) - 1) {
    const long count = read(descriptor, bytes + used, sizeof bytes - 1 - static_cast<unsigned long>(used));
    if (count <= 0) break;
    used += count;
    bytes[used] = 0;
    if (strstr(bytes, end) != nullptr) break;
  }
  show_text(what, bytes, used);
}
