// SPDX-License-Identifier: Apache-2.0
// A byte between processes: there and back (pipes, a pair of unix sockets), and around a ring (context switch: one
// process after the other gets the core; a pipe's write and read are in it).
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "tools/bench/abi_program/benchmark.h"

namespace abi_bench {
namespace {

struct Ends {
  int in = -1;   // to read from
  int out = -1;  // to write to
};

void send_byte(int fd) {
  const char byte = 'x';
  check(write(fd, &byte, 1) == 1, "write");
}
bool receive_byte(int fd) {
  char byte;
  const ssize_t got = read(fd, &byte, 1);
  check(got >= 0, "read");
  return got == 1;
}

Ends make_pipe() {
  int ends[2];
  check(pipe(ends) == 0, "pipe");
  return {ends[0], ends[1]};
}

// Passes bytes on until the other end is closed.
[[noreturn]] void pass_on(Ends ends) {
  while (receive_byte(ends.in)) send_byte(ends.out);
  _exit(0);
}

class RoundTrip : public Benchmark {
 public:
  RoundTrip(Ends ours, Ends theirs) : ours_(ours) {
    partner_ = fork();
    check(partner_ >= 0, "fork");
    if (partner_ == 0) {
      close(ours.in);
      close(ours.out);
      pass_on(theirs);
    }
    close(theirs.in);
    if (theirs.out != theirs.in) close(theirs.out);
  }
  ~RoundTrip() override {
    close(ours_.out);
    if (ours_.in != ours_.out) close(ours_.in);
    waitpid(partner_, nullptr, 0);
  }
  void perform(std::uint64_t times) override {
    for (; times != 0; --times) {
      send_byte(ours_.out);
      check(receive_byte(ours_.in), "the partner has gone");
    }
  }

 private:
  Ends ours_;
  pid_t partner_ = -1;
};

// Eight processes and pipes between them; the byte goes around from this one. One time is one process further.
class Ring final : public Benchmark {
 public:
  Ring() {
    for (Ends& pipe : pipes_) pipe = make_pipe();
    for (std::size_t i = 1; i < processes; ++i) {
      members_[i] = fork();
      check(members_[i] >= 0, "fork");
      if (members_[i] == 0) become_member(i);
    }
    for (std::size_t i = 0; i < processes; ++i) {
      if (i != 0) close(pipes_[i].out);
      if (i != processes - 1) close(pipes_[i].in);
    }
  }
  ~Ring() override {
    close(pipes_[0].out);
    for (std::size_t i = 1; i < processes; ++i) waitpid(members_[i], nullptr, 0);
    close(pipes_[processes - 1].in);
  }
  void perform(std::uint64_t times) override {
    for (std::uint64_t round = 0; round < times; round += processes) {
      send_byte(pipes_[0].out);
      check(receive_byte(pipes_[processes - 1].in), "the ring is broken");
    }
  }

 private:
  static constexpr std::size_t processes = 8;

  [[noreturn]] void become_member(std::size_t number) {
    const Ends mine{pipes_[number - 1].in, pipes_[number].out};
    for (const Ends& pipe : pipes_) {
      if (pipe.in != mine.in) close(pipe.in);
      if (pipe.out != mine.out) close(pipe.out);
    }
    pass_on(mine);
  }

  std::array<Ends, processes> pipes_;  // number i leads from process i to the next
  std::array<pid_t, processes> members_{};
};

}  // namespace

std::unique_ptr<Benchmark> pipe_round_trip() {
  const Ends there = make_pipe(), back = make_pipe();
  return std::make_unique<RoundTrip>(Ends{back.in, there.out}, Ends{there.in, back.out});
}
std::unique_ptr<Benchmark> unix_round_trip() {
  int ends[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  return std::make_unique<RoundTrip>(Ends{ends[0], ends[0]}, Ends{ends[1], ends[1]});
}
std::unique_ptr<Benchmark> context_switch() { return std::make_unique<Ring>(); }

}  // namespace abi_bench
