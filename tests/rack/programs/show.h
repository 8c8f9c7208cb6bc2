// SPDX-License-Identifier: Apache-2.0
// Prints a call as it is written, with its result or the name of its error.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

inline long show(const char* what, long value) {
  if (value == -1)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else
    printf("%s: %ld\n", what, value);
  return value;
}
#define SHOW(call) show(#call, call)
// Of a result that differs from run to run: only whether it is an error.
#define FINE(call) show(#call, (call) == -1 ? -1 : 0)
