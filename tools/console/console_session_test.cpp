// SPDX-License-Identifier: Apache-2.0
// The relay against a fake rack: byte for byte in both directions, bounded, in order, and never blocked by a reader.
#include "tools/console/console_session.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <deque>
#include <string>
#include <thread>

#include "kernel/base/random.h"
#include "tools/support/fd.h"

namespace console {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

class FakeLink : public ConsoleLink {
 public:
  void send_input(std::span<const std::byte> bytes) override {
    EXPECT_FALSE(input_pending) << "one piece of input at a time";
    input_pending = true;
    input_ended = bytes.empty();
    input.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void request_event() override {
    EXPECT_FALSE(requested) << "one request at a time";
    requested = true;
  }
  void resize(WindowSize size) override { sizes.push_back(size); }
  void send_signal(int signal) override { signals.push_back(signal); }

  std::string input;
  bool input_pending = false;
  bool input_ended = false;
  bool requested = false;
  std::vector<WindowSize> sizes;
  std::vector<int> signals;
};

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read = support::Fd(ends[0]);
    write = support::Fd(ends[1]);
  }
  support::Fd read;
  support::Fd write;
};

std::string read_some(int fd) {
  std::string text(1 << 16, 0);
  const ssize_t got = ::read(fd, text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

struct Rig {
  Rig() : Rig(-1, -1, -1) {}
  Rig(int in_fd, int out_fd, int error_fd) {
    signal(SIGPIPE, SIG_IGN);
    session = std::make_unique<ConsoleSession>(
        loop, link,
        Descriptors{in_fd < 0 ? in.read.get() : in_fd, out_fd < 0 ? out.write.get() : out_fd,
                    error_fd < 0 ? error.write.get() : error_fd});
  }
  // Turns the loop until something is so.
  template <typename Predicate>
  void turn_until(Predicate predicate) {
    while (!predicate()) loop.run_once();
  }
  void answer(int stream, const std::string& text) {
    turn_until([&] { return link.requested; });
    link.requested = false;
    session->output(stream, bytes_of(text));
  }
  void end(ProgramEnd end) {
    turn_until([&] { return link.requested; });
    link.requested = false;
    session->ended(std::move(end));
  }
  poll_loop::MonotonicClock clock;
  base::EventLoop events{clock};
  poll_loop::PollLoop loop{events};
  Pipe in;
  Pipe out;
  Pipe error;
  FakeLink link;
  std::unique_ptr<ConsoleSession> session;
};

TEST(ConsoleSession, CarriesEveryByteOfInputAndItsEnd) {
  Rig rig;
  base::Random random(3);
  std::string sent(300000, 0);
  for (char& byte : sent) byte = static_cast<char>(random.next());
  std::thread writer([&] {
    EXPECT_EQ(write(rig.in.write.get(), sent.data(), sent.size()), static_cast<ssize_t>(sent.size()));
    rig.in.write.reset();
  });
  rig.session->start();
  while (!rig.link.input_ended) {
    rig.turn_until([&] { return rig.link.input_pending; });
    if (rig.link.input_ended) break;
    rig.link.input_pending = false;
    rig.session->input_taken();
  }
  writer.join();
  EXPECT_EQ(rig.link.input, sent);
  rig.session->input_taken();  // of the end: nothing more is read
}

TEST(ConsoleSession, InputWaitsUntilTheRackTakesIt) {
  Rig rig;
  rig.session->start();
  ASSERT_EQ(write(rig.in.write.get(), "ab", 2), 2);
  rig.turn_until([&] { return rig.link.input_pending; });
  ASSERT_EQ(write(rig.in.write.get(), "cd", 2), 2);
  for (int i = 0; i < 3; ++i) {
    rig.answer(1, "x");  // turns the loop; input must not move (FakeLink checks)
  }
  EXPECT_EQ(rig.link.input, "ab");
  rig.link.input_pending = false;
  rig.session->input_taken();
  rig.turn_until([&] { return rig.link.input_pending; });
  EXPECT_EQ(rig.link.input, "abcd");
}

TEST(ConsoleSession, OutputGoesToItsDescriptorByteForByte) {
  Rig rig;
  rig.session->start();
  std::string all(256, 0);
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = static_cast<char>(i);
  rig.answer(1, all);
  rig.answer(2, "problem\n");
  rig.answer(1, "more");
  rig.end({.kind = ProgramEnd::Kind::Exited, .code = 3});
  rig.turn_until([&] { return rig.session->finished() != nullptr; });
  EXPECT_EQ(read_some(rig.out.read.get()), all + "more");
  EXPECT_EQ(read_some(rig.error.read.get()), "problem\n");
  EXPECT_EQ(exit_status(*rig.session->finished()), 3);
}

TEST(ConsoleSession, TheEndWaitsForTheOutput) {
  Rig rig;
  rig.session->start();
  const std::string much(200000, 'x');  // more than the pipe holds
  rig.answer(1, much);
  rig.end({});
  EXPECT_EQ(rig.session->finished(), nullptr);
  std::string got;
  std::thread reader([&] {
    while (got.size() < much.size()) got += read_some(rig.out.read.get());
  });
  rig.turn_until([&] { return rig.session->finished() != nullptr; });
  reader.join();
  EXPECT_EQ(got, much);
}

TEST(ConsoleSession, AReaderThatDoesNotReadStopsTheRequestsButNotTheLoop) {
  Rig rig;
  rig.session->start();
  const std::string piece(60000, 'y');
  std::size_t pieces = 0;
  while (rig.link.requested) {
    rig.link.requested = false;
    rig.session->output(1, bytes_of(piece));
    ASSERT_LT(++pieces, 20u);
  }
  EXPECT_GE(pieces, 4u);
  // Input still passes.
  ASSERT_EQ(write(rig.in.write.get(), "i", 1), 1);
  rig.turn_until([&] { return rig.link.input_pending; });
  EXPECT_FALSE(rig.link.requested);
  std::size_t got = 0;
  std::thread reader([&] {
    while (got < pieces * piece.size()) got += read_some(rig.out.read.get()).size();
  });
  rig.turn_until([&] { return rig.link.requested; });
  rig.end({});
  rig.turn_until([&] { return rig.session->finished() != nullptr; });
  reader.join();
  EXPECT_EQ(got, pieces * piece.size());
}

TEST(ConsoleSession, StdoutAndStderrOfOneFileKeepTheirOrder) {
  Pipe both;
  const support::Fd second(dup(both.write.get()));
  Rig rig(-1, both.write.get(), second.get());
  rig.session->start();
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string text = std::to_string(i) + " ";
    rig.answer(1 + i % 2, text);
    expected += text;
  }
  rig.end({});
  rig.turn_until([&] { return rig.session->finished() != nullptr; });
  EXPECT_EQ(read_some(both.read.get()), expected);
}

TEST(ConsoleSession, AReaderThatLeftIsASigpipeForTheProgram) {
  Rig rig;
  rig.session->start();
  rig.out.read.reset();
  rig.answer(1, "lost");
  rig.turn_until([&] { return !rig.link.signals.empty(); });
  EXPECT_EQ(rig.link.signals, std::vector<int>{SIGPIPE});
  rig.answer(1, "lost too");
  rig.turn_until([&] { return rig.link.signals.size() == 2; });
  rig.answer(2, "heard");
  rig.end({.kind = ProgramEnd::Kind::Signaled, .code = SIGPIPE});
  rig.turn_until([&] { return rig.session->finished() != nullptr; });
  EXPECT_EQ(read_some(rig.error.read.get()), "heard");
  EXPECT_EQ(exit_status(*rig.session->finished()), 141);
}

TEST(ConsoleSession, ARefusedStdinIsNotReadFurther) {
  Rig rig;
  rig.session->start();
  ASSERT_EQ(write(rig.in.write.get(), "abc", 3), 3);
  rig.turn_until([&] { return rig.link.input_pending; });
  rig.session->input_refused();
  rig.session->input_taken();
  ASSERT_EQ(write(rig.in.write.get(), "def", 3), 3);
  rig.answer(1, "x");
  rig.end({});
  rig.turn_until([&] { return rig.session->finished() != nullptr; });
  EXPECT_EQ(rig.link.input, "abc");
}

TEST(ConsoleSession, OnATerminalControlCIsAByteAndTheSizeFollows) {
  int ends[2];
  winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
  const support::Fd outer(ends[0]);
  const support::Fd inner(ends[1]);
  Rig rig(inner.get(), inner.get(), inner.get());
  rig.session->start();
  EXPECT_TRUE(rig.link.sizes.empty());
  ASSERT_EQ(write(outer.get(), "a\x03\x04\r", 4), 4);
  rig.turn_until([&] { return rig.link.input_pending; });
  EXPECT_EQ(rig.link.input, "a\x03\x04\r");
  size.ws_col = 132;
  ASSERT_EQ(ioctl(inner.get(), TIOCSWINSZ, &size), 0);
  rig.session->window_changed();
  rig.session->window_changed();
  EXPECT_EQ(rig.link.sizes, (std::vector<WindowSize>{{24, 132}}));
  // Output is not processed: the vNode's terminal did that.
  rig.answer(1, "x\r\ny\n");
  rig.answer(2, "z");
  rig.end({});
  rig.turn_until([&] { return rig.session->finished() != nullptr; });
  EXPECT_EQ(read_some(outer.get()), "x\r\ny\nz");
  rig.session->stopping();
  termios settings;
  ASSERT_EQ(tcgetattr(inner.get(), &settings), 0);
  EXPECT_NE(settings.c_lflag & ISIG, 0u);
}

TEST(ExitStatus, IsThatOfAShell) {
  EXPECT_EQ(exit_status({.kind = ProgramEnd::Kind::Exited, .code = 255}), 255);
  EXPECT_EQ(exit_status({.kind = ProgramEnd::Kind::Signaled, .code = 9}), 137);
  EXPECT_EQ(exit_status({.kind = ProgramEnd::Kind::NotStarted, .code = 127}), 127);
}

}  // namespace
}  // namespace console
