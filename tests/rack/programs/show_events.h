// SPDX-License-Identifier: Apache-2.0
// What poll says of a descriptor at once.
#pragma once

#include <poll.h>
#include <stdio.h>

inline void show_events(const char* what, int s) {
  pollfd p{s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
  poll(&p, 1, 0);
  printf("%s: events %#x\n", what, p.revents);
}
