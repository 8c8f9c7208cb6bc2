// SPDX-License-Identifier: Apache-2.0
// A launch from the client's side: see program_launch.h.
#include "linux-abi/console/program_launch.h"

#include <asm/poll.h>

#include <algorithm>
#include <cstring>

#include "kernel/base/format.h"
#include "kernel/base/memory.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/files/fifo.h"
#include "linux-abi/process/usage.h"
#include "processor/thread_sleeper.h"

namespace linux_abi {

using messages::ConsoleEvent;

ProgramLaunch::ProgramLaunch(const messages::ProgramStartRequest& request, Strings strings, LaunchEvents& events)
    : Launch(request.trace),
      request_(request),
      strings_(std::move(strings)),
      events_(events),
      watch_(events),
      second_watch_(events),
      input_watch_(events) {}

base::Result<base::Own<ProgramLaunch>> ProgramLaunch::create(const messages::ProgramStartRequest& request,
                                                             Strings strings, LaunchEvents& events) {
  auto launch = TRY(base::try_make<ProgramLaunch>(request, std::move(strings), events));
  if (!launch->make_streams()) return base::fail(base::Error::NoMemory);
  return launch;
}

ProgramLaunch::~ProgramLaunch() {
  if (!watched_) return;
  outputs_[0]->poll_source()->remove(watch_);
  outputs_[1]->poll_source()->remove(second_watch_);
  if (input_) input_->poll_source()->remove(input_watch_);
}

Answer<> ProgramLaunch::make_streams() {
  TRY(trace_.allocate());
  trace_.add_reader();
  PipeEnds input = TRY(make_pipe(0));
  input_ = std::move(input.writer);
  near_input_ = std::move(input.reader);
  for (unsigned i = 0; i < 2; ++i) {
    PipeEnds output = TRY(make_pipe(0));
    outputs_[i] = std::move(output.reader);
    near_outputs_[i] = std::move(output.writer);
  }
  outputs_[0]->poll_source()->add(watch_);
  outputs_[1]->poll_source()->add(second_watch_);
  input_->poll_source()->add(input_watch_);
  watched_ = true;
  if (request_.terminals != 0) {
    terminal_ = TRY(TerminalDevice::create(*outputs_[0]->pipe()));
    terminal_->resize({.rows = request_.rows, .columns = request_.columns});
  }
  return {};
}

bool ProgramLaunch::next_event(std::span<std::byte> to, Event& event) {
  event = {};
  if (const std::size_t traced = trace_.try_read(to); traced > 0) {
    event.reply.event = static_cast<std::uint32_t>(ConsoleEvent::Output);
    event.reply.stream = 2;
    event.bytes = traced;
    event.reply.bytes = static_cast<std::uint32_t>(traced);
    return true;
  }
  // By turns, so that neither stream starves the other.
  for (unsigned turn = 0; turn < 2; ++turn) {
    const unsigned stream = (next_stream_ + turn) % 2;
    const std::size_t bytes = outputs_[stream]->pipe()->try_read(to);
    if (bytes == 0) continue;
    if (terminal_ && stream == 0) terminal_->output_taken();
    next_stream_ = 1 - stream;
    event.reply.event = static_cast<std::uint32_t>(ConsoleEvent::Output);
    event.reply.stream = stream + 1;
    event.reply.bytes = static_cast<std::uint32_t>(bytes);
    event.bytes = bytes;
    return true;
  }
  const base::SpinGuard guard(lock_);
  if (phase_ != Phase::Ended) return false;
  event.reply.wall_ns = end_ns_ - start_ns_;
  event.reply.user_ns = times_.user_ns;
  event.reply.system_ns = times_.system_ns;
  event.reply.code = static_cast<std::uint32_t>(status_.value);
  if (failed_code_ != 0) {
    event.reply.event = static_cast<std::uint32_t>(ConsoleEvent::Failed);
    event.reply.code = static_cast<std::uint32_t>(failed_code_);
    event.bytes = std::min(failure_bytes_, to.size());
    event.reply.bytes = static_cast<std::uint32_t>(event.bytes);
    std::memcpy(to.data(), failure_.data(), event.bytes);
  } else {
    const bool exited = status_.code == sig::code::cld_exited;
    event.reply.event = static_cast<std::uint32_t>(exited ? ConsoleEvent::Exited : ConsoleEvent::Signaled);
  }
  return true;
}

std::size_t ProgramLaunch::type(std::span<const std::byte> bytes) {
  if (is_terminal(0)) return terminal_->keys(bytes);
  // Nobody reads any more: the bytes go where Linux's pipe would have sent them, nowhere.
  if (!input_ || !input_->pipe()->has_readers()) return bytes.size();
  return input_->pipe()->try_write(bytes);
}

void ProgramLaunch::end_input() {
  if (is_terminal(0)) return terminal_->no_more_keys();
  if (!input_) return;
  input_->poll_source()->remove(input_watch_);
  input_.reset();
}

void ProgramLaunch::resize(WindowSize size) {
  if (terminal_) terminal_->resize(size);
}

void ProgramLaunch::process_ended(Process& process) {
  const ProcessTimes times = times_of(process);
  {
    const base::SpinGuard guard(lock_);
    if (process.serial() != first_process_ || phase_ == Phase::Ended) return;
    phase_ = Phase::Ended;
    status_ = process.ended;
    times_ = times;
    end_ns_ = threads::clock().now_ns();
  }
  events_.launch_changed();
}

void ProgramLaunch::trace(std::string_view line) {
  constexpr std::uint64_t look_again_ns = 1'000'000;
  while (!trace_.try_write_whole(std::as_bytes(std::span(line)))) {
    if (threads::current().killed()) return;
    processor::pause_ns(look_again_ns);
  }
  events_.launch_changed();
}

void ProgramLaunch::fail(Errno reason, std::string_view what) {
  const bool missing = reason == ENOENT || reason == ENOTDIR;
  const base::SpinGuard guard(lock_);
  failed_code_ = missing ? 127 : 126;
  std::string_view why = errno_name(reason.number());
  if (reason == ENOENT) why = "no such program";
  if (reason == EACCES) why = "not executable";
  if (reason == ENOEXEC) why = "not a program for this machine, damaged, or a script without #!";
  if (reason == EISDIR) why = "a directory";
  failure_bytes_ = base::format(failure_, "{}: {}", what, why).size();
}

}  // namespace linux_abi
