// SPDX-License-Identifier: Apache-2.0
// The console of one program over net/rpc: one ConsoleRead is outstanding while the session wants output, and one
// ConsoleWrite while it sends input, so that both directions are bounded. An error of the rack is told once by `lost`.
#pragma once

#include <functional>

#include "kernel/base/task.h"
#include "net/messages/program.h"
#include "net/rpc/await.h"
#include "tools/console/console_session.h"
#include "tools/rack_client/registered_buffer.h"

namespace rack_client {

class ProgramLink final : public console::ConsoleLink {
 public:
  ProgramLink(base::EventLoop& loop, rpc::Peer& processor, base::VNodeId vnode, base::LaunchId launch,
              RegisteredBuffer& input)
      : loop_(loop), processor_(processor), vnode_(vnode), launch_(launch), input_(input) {}
  ProgramLink(const ProgramLink&) = delete;
  ProgramLink& operator=(const ProgramLink&) = delete;

  void attach(console::ConsoleSession& session, std::function<void(base::Error)> lost);

  void send_input(std::span<const std::byte> bytes) override;
  void request_event() override;
  void resize(console::WindowSize size) override;
  void send_signal(int signal) override;

 private:
  base::Task<> read();
  base::Task<> write(std::uint32_t bytes);
  base::Task<> tell_size(console::WindowSize size);
  base::Task<> tell_signal(std::uint32_t signal);
  void deliver(const messages::ConsoleReadReply& event, std::string tail);
  void lose(base::Error error);

  base::EventLoop& loop_;
  rpc::Peer& processor_;
  base::VNodeId vnode_;
  base::LaunchId launch_;
  RegisteredBuffer& input_;
  console::ConsoleSession* session_ = nullptr;
  std::function<void(base::Error)> lost_;
};

}  // namespace rack_client
