// SPDX-License-Identifier: Apache-2.0
// Pipes' bytes and eventfds' counters: what is taken, what waits for what, and what is told to pollers.
#include <asm/poll.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "linux-abi/files/event_counter.h"
#include "linux-abi/files/fake_caller.h"
#include "linux-abi/files/pipe_buffer.h"

namespace {

using linux_abi::EventCounter;
using linux_abi::FakeCaller;
using linux_abi::PipeBuffer;
using linux_abi::WaitEnd;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

struct OpenPipe : PipeBuffer {
  OpenPipe() {
    EXPECT_TRUE(allocate());
    add_reader();
    add_writer();
  }
};

std::string read_text(PipeBuffer& pipe, std::size_t most, FakeCaller& caller) {
  std::vector<std::byte> to(most);
  const auto read = pipe.read(to, false, caller);
  EXPECT_TRUE(read);
  return {reinterpret_cast<const char*>(to.data()), read ? *read : 0};
}

class Noted final : public linux_abi::Watch {
 public:
  std::uint32_t events = 0;
  void notified(std::uint32_t told) override { events |= told; }
};

TEST(PipeBuffer, GivesBytesInOrderAcrossItsEnd) {
  FakeCaller caller;
  OpenPipe pipe;
  ASSERT_TRUE(pipe.set_capacity(4096));
  const std::string first(3000, 'a'), second(3000, 'b');
  EXPECT_EQ(*pipe.write(bytes_of(first), true, caller), 3000u);
  EXPECT_EQ(read_text(pipe, 2000, caller), std::string(2000, 'a'));
  EXPECT_EQ(*pipe.write(bytes_of(second), true, caller), 3000u);
  EXPECT_EQ(read_text(pipe, 8192, caller), std::string(1000, 'a') + second);
}

TEST(PipeBuffer, ReadsAPacketAtATime) {
  using linux_abi::Framing;
  FakeCaller caller;
  OpenPipe pipe;
  ASSERT_TRUE(pipe.set_capacity(8192));  // two packets at once
  EXPECT_EQ(*pipe.write(bytes_of("plain"), true, caller), 5u);
  EXPECT_EQ(*pipe.write(bytes_of("first"), true, caller, Framing::Packets), 5u);
  EXPECT_EQ(*pipe.write(bytes_of("second"), true, caller, Framing::Packets), 6u);
  EXPECT_EQ(pipe.write(bytes_of("third"), true, caller, Framing::Packets).error(), EAGAIN);
  EXPECT_EQ(read_text(pipe, 100, caller), "plain");
  EXPECT_EQ(read_text(pipe, 3, caller), "fir");  // the rest of it is lost
  EXPECT_EQ(*pipe.write(bytes_of(std::string(4100, 'x')), true, caller, Framing::Packets), 4096u);
  EXPECT_EQ(read_text(pipe, 100, caller), "second");
  EXPECT_EQ(read_text(pipe, 8192, caller), std::string(4096, 'x'));
  EXPECT_EQ(pipe.bytes(), 0u);
}

TEST(PipeBuffer, WhatIsPutBackComesFirst) {
  FakeCaller caller;
  OpenPipe pipe;
  ASSERT_TRUE(pipe.set_capacity(4096));
  EXPECT_EQ(*pipe.write(bytes_of(std::string(4096, 'b')), true, caller), 4096u);
  EXPECT_EQ(read_text(pipe, 1000, caller), std::string(1000, 'b'));
  EXPECT_EQ(*pipe.write(bytes_of(std::string(1000, 'c')), true, caller), 1000u);
  EXPECT_EQ(pipe.room(), 0u);
  ASSERT_TRUE(pipe.put_back(bytes_of(std::string(1000, 'a'))));
  EXPECT_EQ(pipe.bytes(), 5096u) << "beyond the capacity";
  EXPECT_EQ(pipe.room(), 0u);
  EXPECT_EQ(pipe.write(bytes_of("x"), true, caller).error(), EAGAIN);
  EXPECT_EQ(pipe.events(false, true), 0u);
  std::vector<std::byte> seen(1500);
  EXPECT_EQ(pipe.peek(seen), 1500u);
  EXPECT_EQ(static_cast<char>(seen[999]), 'a');
  EXPECT_EQ(static_cast<char>(seen[1000]), 'b');
  EXPECT_EQ(read_text(pipe, 9000, caller), std::string(1000, 'a') + std::string(3096, 'b') + std::string(1000, 'c'));
}

TEST(PipeBuffer, TellsWhetherAWaitWouldEnd) {
  FakeCaller caller;
  OpenPipe pipe;
  EXPECT_EQ(pipe.wait_for_bytes(true, caller).error(), EAGAIN);
  EXPECT_TRUE(pipe.wait_for_room(true, caller));
  EXPECT_EQ(*pipe.write(bytes_of(std::string(65536, 'x')), true, caller), 65536u);
  EXPECT_TRUE(pipe.wait_for_bytes(true, caller));
  EXPECT_EQ(pipe.wait_for_room(true, caller).error(), EAGAIN);
  pipe.remove_reader();
  EXPECT_EQ(pipe.wait_for_room(true, caller).error(), EPIPE);
  EXPECT_EQ(read_text(pipe, 65536, caller).size(), 65536u);
  pipe.remove_writer();
  EXPECT_TRUE(pipe.wait_for_bytes(true, caller));
}

TEST(PipeBuffer, GrowsWithWhatIsInIt) {
  FakeCaller caller;
  OpenPipe pipe;
  EXPECT_EQ(pipe.capacity(), linux_abi::pipe_default_bytes);
  std::string expected;
  for (char letter = 'a'; letter < 'm'; ++letter) {
    const std::string text(5000, letter);
    EXPECT_EQ(*pipe.write(bytes_of(text), true, caller), text.size());
    expected += text;
    EXPECT_EQ(read_text(pipe, 700, caller), expected.substr(0, 700));  // so that it is not at the ring's beginning
    expected.erase(0, 700);
  }
  EXPECT_EQ(pipe.bytes(), expected.size());
  EXPECT_EQ(read_text(pipe, 100'000, caller), expected);
  const std::string most(70'000, 'z');
  EXPECT_EQ(*pipe.write(bytes_of(most), true, caller), linux_abi::pipe_default_bytes);
  ASSERT_FALSE(pipe.set_capacity(4096));
  EXPECT_EQ(read_text(pipe, 65'000, caller).size(), 65'000u);
  ASSERT_TRUE(pipe.set_capacity(4096));
  EXPECT_EQ(pipe.capacity(), 4096u);
  EXPECT_EQ(read_text(pipe, 65'000, caller), std::string(536, 'z'));
}

TEST(PipeBuffer, NeverSplitsASmallWrite) {
  FakeCaller caller;
  OpenPipe pipe;
  ASSERT_TRUE(pipe.set_capacity(4096));
  const std::string most(4000, 'a'), small(200, 'b');
  ASSERT_TRUE(pipe.write(bytes_of(most), true, caller));
  EXPECT_EQ(pipe.write(bytes_of(small), true, caller).error().number(), EAGAIN);
  EXPECT_EQ(pipe.bytes(), 4000u);
  caller.meanwhile.push_back([&] {
    FakeCaller reader;
    EXPECT_EQ(read_text(pipe, 4000, reader), most);
  });
  EXPECT_EQ(*pipe.write(bytes_of(small), false, caller), 200u);
}

TEST(PipeBuffer, WritesWholeLinesOrNone) {
  OpenPipe pipe;
  const std::string most(pipe.capacity() - 10, 'x'), line = "a line of a trace";
  EXPECT_TRUE(pipe.try_write_whole(bytes_of(most)));
  EXPECT_FALSE(pipe.try_write_whole(bytes_of(line)));
  EXPECT_EQ(pipe.bytes(), most.size());
  EXPECT_TRUE(pipe.try_write_whole(bytes_of(line.substr(0, 10))));
}

TEST(PipeBuffer, TellsTheEndAndABrokenPipe) {
  FakeCaller caller;
  OpenPipe pipe;
  caller.meanwhile.push_back([&] { pipe.remove_writer(); });
  EXPECT_EQ(read_text(pipe, 10, caller), "");
  EXPECT_NE(pipe.events(true, false) & POLLHUP, 0u);
  pipe.add_writer();
  pipe.remove_reader();
  EXPECT_EQ(pipe.write(bytes_of("x"), false, caller).error().number(), EPIPE);
  EXPECT_NE(pipe.events(false, true) & POLLERR, 0u);
}

TEST(PipeBuffer, AnInterruptedWriteSaysWhatWasWritten) {
  FakeCaller caller;
  OpenPipe pipe;
  const std::string much(linux_abi::pipe_default_bytes + 10, 'a');
  EXPECT_EQ(*pipe.write(bytes_of(much), false, caller), linux_abi::pipe_default_bytes);
  EXPECT_EQ(pipe.write(bytes_of("x"), false, caller).error().number(), linux_abi::restart_always);
}

TEST(EventCounter, IsTakenWholeOrByOnes) {
  FakeCaller caller;
  EventCounter whole(5, EventCounter::Takes::All), ones(2, EventCounter::Takes::One);
  EXPECT_EQ(*whole.take(true, caller), 5u);
  EXPECT_EQ(whole.take(true, caller).error().number(), EAGAIN);
  EXPECT_EQ(*ones.take(true, caller), 1u);
  EXPECT_EQ(ones.count(), 1u);
}

TEST(EventCounter, WaitsForAValueAndForRoom) {
  FakeCaller caller;
  EventCounter counter(0, EventCounter::Takes::All);
  caller.meanwhile.push_back([&] {
    FakeCaller other;
    EXPECT_TRUE(counter.add(7, false, other));
  });
  EXPECT_EQ(*counter.take(false, caller), 7u);
  constexpr std::uint64_t most = ~std::uint64_t{0} - 1;
  EXPECT_EQ(counter.add(most + 1, true, caller).error().number(), EINVAL);
  ASSERT_TRUE(counter.add(most, true, caller));
  EXPECT_EQ(counter.events(), static_cast<std::uint32_t>(POLLIN | POLLRDNORM));
  EXPECT_EQ(counter.add(1, true, caller).error().number(), EAGAIN);
  caller.meanwhile.push_back([&] {
    FakeCaller other;
    EXPECT_EQ(*counter.take(false, other), most);
  });
  EXPECT_TRUE(counter.add(1, false, caller));
  EXPECT_EQ(counter.count(), 1u);
}

TEST(EventCounter, TellsWatchers) {
  FakeCaller caller;
  EventCounter counter(0, EventCounter::Takes::All);
  Noted watch;
  counter.source().add(watch);
  ASSERT_TRUE(counter.add(1, true, caller));
  EXPECT_NE(watch.events & POLLIN, 0u);
  watch.events = 0;
  ASSERT_TRUE(counter.take(true, caller));
  EXPECT_NE(watch.events & POLLOUT, 0u);
  counter.source().remove(watch);
}

}  // namespace
