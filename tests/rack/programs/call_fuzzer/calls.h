// SPDX-License-Identifier: Apache-2.0
// What the fuzzer knows of Linux's calls: the kinds of their arguments, so that most calls get past the first check.
#pragma once

namespace fuzzer {

// One letter for each argument:
//   f descriptor   q descriptor of a directory, mostly AT_FDCWD   s path   w path of a name that may be changed
//   b buffer   n bytes in it   v iovec[]   V how many   a address of a mapping   l its length   h protection
//   H flags of mmap   F futex   t timespec   S socket address   L its length   M message   A argv   R flags of open
//   P pollfd[]   E epoll_event   O offset   k ioctl   i process   g signal   r resource   o mode   c clock
//   x flags: few bits   d small number
struct CallShape {
  int number;
  const char* arguments;
};

// nullptr: a number that the table has not.
const CallShape* shape_of(unsigned number);
const CallShape& shape(unsigned index);
unsigned shape_count();

}  // namespace fuzzer
