// SPDX-License-Identifier: Apache-2.0
// Requests about files from a thread to the vNode's home mComponent: the thread sleeps until the answer is there. A
// thread that is killed leaves at once, unless the request changes something; what the request names stays until nobody
// can touch it any more (the fencing rule), so tails are copied and bulk buffers come from a registered pool.
#pragma once

#include <span>

#include "kernel/base/array.h"
#include "kernel/base/types.h"
#include "linux-abi/abi/errno.h"
#include "net/messages/file.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/waited_call.h"
#include "processor/sleeper.h"

namespace linux_abi {

// A registered buffer of the pool: for answers of more than rpc::max_reply_tail_bytes.
struct BulkBuffer {
  static constexpr std::uint32_t bytes = 32768;
  std::byte* memory = nullptr;
  std::uint32_t rkey = 0;
};

// Once, before the first program: where requests go out, and the pool's memory.
base::Result<> start_home_calls(rpc::Endpoint& endpoint, verbs::ProtectionDomain& domain);

// The connection's end that a vNode's files are asked over.
struct FileHome {
  base::VNodeId vnode;
  rpc::NodeAddress memory;
};

class HomeReply {
 public:
  HomeReply(rpc::Reply reply, BulkBuffer bulk) : reply_(std::move(reply)), bulk_(bulk) {}
  HomeReply(HomeReply&& other) noexcept : reply_(std::move(other.reply_)), bulk_(std::exchange(other.bulk_, {})) {}
  HomeReply& operator=(HomeReply&&) = delete;
  ~HomeReply();
  template <messages::Body T>
  base::Result<T> as() const {
    return reply_.as<T>();
  }
  std::span<const std::byte> tail() const { return reply_.tail(); }
  std::span<const std::byte> bulk() const { return {bulk_.memory, reply_.bulk_bytes()}; }

 private:
  rpc::Reply reply_;
  BulkBuffer bulk_;
};

enum class WithBulk : std::uint8_t { No, Yes };

// The untyped form.
Answer<HomeReply> send_home(const FileHome& home, messages::Operation operation, std::span<const std::byte> body,
                            std::span<const std::byte> tail, WithBulk bulk, processor::Sleeper& sleeper);

// ask(home, FileLookupRequest{...}, sleeper, name): the reply's body. EINTR: the thread is being killed.
template <messages::Body Request>
Answer<typename Request::Reply> ask(const FileHome& home, const Request& request, processor::Sleeper& sleeper,
                                    std::span<const std::byte> tail = {}) {
  const HomeReply reply =
      TRY(send_home(home, Request::operation, std::as_bytes(std::span(&request, 1)), tail, WithBulk::No, sleeper));
  return TRY(reply.as<typename Request::Reply>());
}

}  // namespace linux_abi
