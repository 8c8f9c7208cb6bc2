// SPDX-License-Identifier: Apache-2.0
// The events of an inotify file: their order and layout, which of them are one, and what happens when there are too
// many.
#include "linux-abi/files/inotify_queue.h"

#include <gtest/gtest.h>
#include <linux/inotify.h>

#include <cstring>
#include <string>
#include <vector>

#include "linux-abi/files/fake_caller.h"

namespace {

using linux_abi::FakeCaller;
using linux_abi::InotifyQueue;
namespace file_event = linux_abi::file_event;

// "wd:mask:cookie:name", one after the other.
std::string read_all(InotifyQueue& queue, std::size_t room = 4096) {
  FakeCaller caller;
  std::vector<std::byte> to(room);
  const auto read = queue.read(to, true, caller);
  if (!read) return read.error() == EAGAIN ? "none" : read.error() == EINVAL ? "too small" : "?";
  std::string text;
  for (std::size_t at = 0; at < *read;) {
    inotify_event event;
    std::memcpy(&event, to.data() + at, sizeof event);
    const std::string name(reinterpret_cast<const char*>(to.data() + at + sizeof event), event.len);
    text += std::to_string(event.wd) + ":" + std::to_string(event.mask) + ":" + std::to_string(event.cookie) + ":" +
            name.c_str() + " ";
    EXPECT_EQ(event.len % 16, 0u);
    at += sizeof event + event.len;
  }
  return text;
}

TEST(InotifyQueue, TellsInOrder) {
  InotifyQueue queue(10);
  EXPECT_EQ(read_all(queue), "none");
  queue.add(1, file_event::moved_from, 7, "from");
  queue.add(1, file_event::moved_to, 7, "a name of sixteen");
  queue.add(2, file_event::modify, 0, {});
  EXPECT_EQ(queue.bytes(), 32u + 48u + 16u);
  EXPECT_EQ(read_all(queue), "1:64:7:from 1:128:7:a name of sixteen 2:2:0: ");
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(InotifyQueue, WhatFollowsItselfIsToldOnce) {
  InotifyQueue queue(10);
  for (int i = 0; i < 3; ++i) queue.add(1, file_event::modify, 0, "a");
  queue.add(1, file_event::modify, 0, "b");
  queue.add(1, file_event::modify, 0, "a");
  queue.add(2, file_event::modify, 0, "a");
  EXPECT_EQ(read_all(queue), "1:2:0:a 1:2:0:b 1:2:0:a 2:2:0:a ");
  queue.add(2, file_event::modify, 0, "a");
  EXPECT_EQ(read_all(queue), "2:2:0:a ") << "the one before was read";
}

TEST(InotifyQueue, OnlyWholeEventsAreGiven) {
  InotifyQueue queue(10);
  queue.add(1, file_event::created, 0, "x");
  queue.add(1, file_event::created, 0, "y");
  EXPECT_EQ(read_all(queue, 31), "too small");
  EXPECT_EQ(read_all(queue, 63), "1:256:0:x ");
  EXPECT_EQ(read_all(queue, 32), "1:256:0:y ");
}

TEST(InotifyQueue, TooManyEndInOneThatSaysSo) {
  InotifyQueue queue(2);
  for (const char* name : {"a", "b", "c", "d"}) queue.add(1, file_event::created, 0, name);
  EXPECT_EQ(queue.bytes(), 32u + 32u + 16u);
  EXPECT_EQ(read_all(queue), "1:256:0:a 1:256:0:b -1:16384:0: ");
  queue.add(1, file_event::created, 0, "e");
  EXPECT_EQ(read_all(queue), "1:256:0:e ");
}

}  // namespace
