// SPDX-License-Identifier: Apache-2.0
// The handlers of a component, by operation. A handler is a coroutine member function
//   base::Task<> FileServer::look_up(rpc::ServerCall& call, messages::FileLookupRequest request);
//   server.handle<messages::FileLookupRequest, &FileServer::look_up>(file_server);
// started on the server's loop; the request has the right size and passed validate(), its tail is call.tail().
// Returning an error answers with it; returning success without an answer is our mistake and answers IoError. What no
// handler is registered for, or is malformed, is answered with an error and counted.
#pragma once

#include <array>
#include <cstring>

#include "kernel/base/executor.h"
#include "kernel/base/task.h"
#include "net/messages/operations.h"
#include "net/rpc/limits.h"
#include "net/rpc/server_call.h"

namespace rpc {

// What a component checks of every request before its handler starts.
class CallPolicy {
 public:
  // None, or the error to answer with: is this caller (its kind; its right to the request's vNode) to be served?
  virtual Error check(const PeerInfo& peer, messages::Operation operation, base::VNodeId vnode) = 0;

 protected:
  ~CallPolicy() = default;
};

// What one connection may cost the server: slots times (request buffer + 8.5 KiB) of registered memory.
struct ServerLimits {
  std::uint16_t slots = max_slots;  // granted at most
  std::uint32_t request_bytes = max_request_bytes;
};

class Server {
 public:
  static constexpr std::size_t max_operation = 128;

  explicit Server(base::EventLoop& loop, CallPolicy* policy = nullptr, const ServerLimits& limits = {})
      : loop_(loop), policy_(policy), limits_(limits) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before Endpoint::serve. The object outlives the endpoint.
  template <typename Request, auto Method, typename Object>
  void handle(Object& object) {
    static_assert(messages::Body<Request> && sizeof(Request) <= max_body_bytes);
    Entry& entry = entries_[static_cast<std::size_t>(Request::operation)];
    LEGO_ASSERT(entry.start == nullptr);
    entry = {&object, sizeof(Request), &valid<Request>, &start<Request, Method, Object>};
  }

  base::EventLoop& loop() { return loop_; }
  const ServerLimits& limits() const { return limits_; }

  struct Entry {
    void* object = nullptr;
    std::uint32_t body_bytes = 0;
    bool (*valid)(std::span<const std::byte> body) = nullptr;
    base::Task<> (*start)(void* object, ServerCall& call) = nullptr;
  };
  // Null: nobody serves it.
  const Entry* find(std::uint16_t operation) const {
    if (operation >= entries_.size() || entries_[operation].start == nullptr) return nullptr;
    return &entries_[operation];
  }
  Error check(const PeerInfo& peer, messages::Operation operation, base::VNodeId vnode) {
    return policy_ == nullptr ? Error::None : policy_->check(peer, operation, vnode);
  }

 private:
  template <typename Request>
  static Request read(std::span<const std::byte> body) {
    Request request;
    std::memcpy(static_cast<void*>(&request), body.data(), sizeof(Request));
    return request;
  }
  template <typename Request>
  static bool valid(std::span<const std::byte> body) {
    return read<Request>(body).validate();
  }
  template <typename Request, auto Method, typename Object>
  static base::Task<> start(void* object, ServerCall& call) {
    return (static_cast<Object*>(object)->*Method)(call, read<Request>(call.body()));
  }

  base::EventLoop& loop_;
  CallPolicy* policy_;
  ServerLimits limits_;
  std::array<Entry, max_operation> entries_{};
};

}  // namespace rpc
