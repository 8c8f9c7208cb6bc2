// SPDX-License-Identifier: Apache-2.0
#include "tools/console/console_session.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace console {
namespace {

// Enough that a program which prints much need not wait for each write, little enough that Ctrl-C is felt.
constexpr std::size_t max_waiting_bytes = 256 * 1024;
constexpr std::size_t input_bytes = 32 * 1024;

bool same_file(int a, int b) {
  struct stat first;
  struct stat second;
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino && first.st_rdev == second.st_rdev;
}

}  // namespace

int exit_status(const ProgramEnd& end) {
  switch (end.kind) {
    case ProgramEnd::Kind::Exited:
      return end.code & 0xff;
    case ProgramEnd::Kind::Signaled:
      return 128 + end.code;
    case ProgramEnd::Kind::NotStarted:
      return end.code;
  }
  return 125;
}

ConsoleSession::ConsoleSession(poll_loop::PollLoop& loop, ConsoleLink& link, Descriptors descriptors)
    : link_(link),
      descriptors_(descriptors),
      size_(window_size(descriptors.in, descriptors.out, descriptors.error)),
      out_(std::make_unique<OutputPump>(descriptors.out)),
      loop_(loop) {
  if (!same_file(descriptors.out, descriptors.error)) error_ = std::make_unique<OutputPump>(descriptors.error);
  if (isatty(descriptors.in)) terminal_.emplace(descriptors.in, descriptors.out);
}

void ConsoleSession::start() {
  started_ = true;
  if (terminal_) terminal_->enter();
  in_watch_ = loop_.watch(descriptors_.in, POLLIN, [this](short) { read_input(); });
  out_watch_ = loop_.watch(out_->event_fd(), POLLIN, [this](short) { pump_wrote(*out_); });
  if (error_) error_watch_ = loop_.watch(error_->event_fd(), POLLIN, [this](short) { pump_wrote(*error_); });
  window_changed();
  request_more();
}

void ConsoleSession::read_input() {
  std::array<std::byte, input_bytes> buffer;
  const ssize_t got = read(descriptors_.in, buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  in_watch_.wants(0);  // until it is taken
  // An error (a terminal that is gone) is the end, as it is for other programs.
  if (got <= 0) in_watch_ = {};
  link_.send_input(std::span(buffer).first(got > 0 ? static_cast<std::size_t>(got) : 0));
}

void ConsoleSession::input_taken() {
  if (in_watch_) in_watch_.wants(POLLIN);
}

void ConsoleSession::input_refused() { in_watch_ = {}; }

void ConsoleSession::output(int stream, std::span<const std::byte> bytes) {
  requested_ = false;
  pump_of(stream).write(bytes);
  request_more();
}

void ConsoleSession::ended(ProgramEnd end) {
  requested_ = false;
  in_watch_ = {};
  end_ = std::move(end);
}

void ConsoleSession::pump_wrote(OutputPump& pump) {
  pump.acknowledge();
  // What a program of this machine would get when it writes into the void.
  if (pump.take_broken() && !end_) link_.send_signal(SIGPIPE);
  request_more();
}

std::size_t ConsoleSession::waiting_bytes() const {
  return out_->waiting_bytes() + (error_ ? error_->waiting_bytes() : 0);
}

void ConsoleSession::request_more() {
  if (requested_ || end_ || waiting_bytes() > max_waiting_bytes) return;
  requested_ = true;
  link_.request_event();
}

void ConsoleSession::window_changed() {
  const WindowSize size = window_size(descriptors_.in, descriptors_.out, descriptors_.error);
  if (!started_ || size == size_) return;
  size_ = size;
  link_.resize(size);
}

void ConsoleSession::stopping() {
  if (terminal_) terminal_->leave();
}

void ConsoleSession::continued() {
  if (terminal_ && started_ && !end_) terminal_->enter();
  window_changed();
}

const ProgramEnd* ConsoleSession::finished() const { return end_ && waiting_bytes() == 0 ? &*end_ : nullptr; }

}  // namespace console
