// SPDX-License-Identifier: Apache-2.0
// Assertions for our own mistakes, always on; never for what a user, a peer or a disk sent.
#pragma once

#include "kernel/base/platform.h"

#define LEGO_ASSERT(condition)                                                                              \
  do {                                                                                                      \
    if (!(condition)) [[unlikely]]                                                                          \
      ::base::platform::panic("assertion failed: " #condition " (" __FILE__ ":" LEGO_STRING(__LINE__) ")"); \
  } while (false)
#define LEGO_STRING_(x) #x
#define LEGO_STRING(x) LEGO_STRING_(x)
