// SPDX-License-Identifier: Apache-2.0
#include "tools/rack_client/program_link.h"

#include <utility>

namespace rack_client {

using console::ProgramEnd;
using messages::ConsoleEvent;

void ProgramLink::attach(console::ConsoleSession& session, std::function<void(base::Error)> lost) {
  session_ = &session;
  lost_ = std::move(lost);
}

void ProgramLink::lose(base::Error error) {
  if (auto told = std::exchange(lost_, nullptr)) told(error);
}

void ProgramLink::request_event() {
  base::spawn(read(), [this](base::Result<> result) {
    if (!result) lose(result.error());
  });
}

base::Task<> ProgramLink::read() {
  messages::ConsoleReadRequest request;
  request.launch = launch_.value();
  messages::ConsoleReadReply event;
  std::string tail;
  {
    // It is answered when there is something to tell: that may be never.
    CO_TRY(auto reply, co_await rpc::call(loop_, processor_, request, {.vnode = vnode_, .timeout_ns = base::never_ns}));
    event = reply.body;
    if (event.bytes > reply.tail().size()) co_return base::fail(base::Error::Malformed);
    tail.assign(reinterpret_cast<const char*>(reply.tail().data()), event.bytes);
  }
  deliver(event, std::move(tail));
  co_return {};
}

void ProgramLink::deliver(const messages::ConsoleReadReply& event, std::string tail) {
  ProgramEnd end{.code = static_cast<int>(event.code.get()),
                 .why = {},
                 .wall_ns = event.wall_ns,
                 .user_ns = event.user_ns,
                 .system_ns = event.system_ns};
  switch (static_cast<ConsoleEvent>(event.event.get())) {
    case ConsoleEvent::Output:
      return session_->output(static_cast<int>(event.stream.get()), std::as_bytes(std::span(tail)));
    case ConsoleEvent::Exited:
      end.kind = ProgramEnd::Kind::Exited;
      return session_->ended(std::move(end));
    case ConsoleEvent::Signaled:
      end.kind = ProgramEnd::Kind::Signaled;
      return session_->ended(std::move(end));
    case ConsoleEvent::Failed:
      end.kind = ProgramEnd::Kind::NotStarted;
      end.why = std::move(tail);
      return session_->ended(std::move(end));
  }
  lose(base::Error::Malformed);
}

void ProgramLink::send_input(std::span<const std::byte> bytes) {
  input_.fill(bytes);
  base::spawn(write(static_cast<std::uint32_t>(bytes.size())), [this](base::Result<> result) {
    if (result) return session_->input_taken();
    // Whether the rack works is known by what ConsoleRead says; a program need not read its stdin.
    session_->input_refused();
  });
}

base::Task<> ProgramLink::write(std::uint32_t bytes) {
  messages::ConsoleWriteRequest request;
  request.launch = launch_.value();
  request.bytes = bytes;
  request.end_of_file = bytes == 0 ? 1 : 0;
  const verbs::Sge tail[] = {input_.front(bytes)};
  CO_TRY_VOID(co_await rpc::call(
      loop_, processor_, request,
      {.tail = std::span(tail).first(bytes == 0 ? 0 : 1), .vnode = vnode_, .timeout_ns = base::never_ns}));
  co_return {};
}

void ProgramLink::resize(console::WindowSize size) {
  base::spawn(tell_size(size), [](base::Result<>) {});
}

base::Task<> ProgramLink::tell_size(console::WindowSize size) {
  messages::ConsoleResizeRequest request;
  request.launch = launch_.value();
  request.rows = size.rows;
  request.columns = size.columns;
  CO_TRY_VOID(co_await rpc::call(loop_, processor_, request, {.vnode = vnode_}));
  co_return {};
}

void ProgramLink::send_signal(int signal) {
  base::spawn(tell_signal(static_cast<std::uint32_t>(signal)), [](base::Result<>) {});
}

base::Task<> ProgramLink::tell_signal(std::uint32_t signal) {
  messages::ConsoleSignalRequest request;
  request.launch = launch_.value();
  request.signal = signal;
  CO_TRY_VOID(co_await rpc::call(loop_, processor_, request, {.vnode = vnode_}));
  co_return {};
}

}  // namespace rack_client
