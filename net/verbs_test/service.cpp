// SPDX-License-Identifier: Apache-2.0
// The verbs test service: see service.h. Each connection is a coroutine that owns all of it.
#include "net/verbs_test/service.h"

#include <cstring>

#include "kernel/base/log.h"
#include "net/verbs_test/rping.h"

namespace verbs_test {
namespace {

constexpr std::uint64_t longest_connection_ns = 3600 * base::second_ns;
constexpr std::uint64_t control_receives = 2;

// A slot for as long as a coroutine lives.
class Lease {
 public:
  Lease(SlotPool& pool, Slot& slot) : pool_(pool), slot_(slot) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { pool_.give_back(slot_); }

 private:
  SlotPool& pool_;
  Slot& slot_;
};

// A request that is not accepted is rejected when it goes; the lock is held for that.
class Request {
 public:
  Request(World& world, base::Own<verbs::ConnectionRequest> request) : world_(world), request_(std::move(request)) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() { reset(); }
  verbs::ConnectionRequest& operator*() { return *request_; }
  void reset() {
    const base::SpinGuard guard(world_.lock);
    request_.reset();
  }

 private:
  World& world_;
  base::Own<verbs::ConnectionRequest> request_;
};

}  // namespace

Service::Service(base::EventLoop& loop, base::SpinLock& lock, verbs::Device& device, verbs::ProtectionDomain& domain,
                 verbs::ConnectionManager& connections, rpc::BufferMemory& buffers, std::byte* memory)
    : world_{loop, lock, device, domain, connections},
      pages_(world_, buffers),
      slots_(world_, memory),
      streams_(world_),
      control_(*this, control_port, &Service::serve_control),
      rping_(*this, rping_port, &Service::serve_rping),
      stream_(*this, stream_port, &Service::serve_stream) {}

Service::~Service() { LEGO_ASSERT(running_ == 0); }

Result<> Service::start() {
  TRY(control_.start());
  TRY(rping_.start());
  TRY(stream_.start());
  TRY(pages_.start());
  world_.pages = &pages_;
  base::log_info("verbs_test", "listening on ports {}, {}, {} and {}", rping_port, control_port, stream_port,
                 page_port);
  return {};
}

void Service::stop() {
  world_.stopping = true;
  control_.stop();
  rping_.stop();
  stream_.stop();
  pages_.stop();
  for (Stoppable& stoppable : world_.stoppables) stoppable.stop();
}

// ---- Listening

Result<> Service::Listener::start() {
  const base::SpinGuard guard(service_.world_.lock);
  TRY(service_.world_.connections.listen(port_, *this));
  listening_ = true;
  return {};
}

void Service::Listener::stop() {
  const base::SpinGuard guard(service_.world_.lock);
  if (std::exchange(listening_, false)) service_.world_.connections.unlisten(port_);
  for (auto& request : waiting_) request.reset();
  unlink();
}

void Service::Listener::requested(base::Own<verbs::ConnectionRequest> request) {
  for (auto& place : waiting_) {
    if (place) continue;
    place = std::move(request);
    service_.world_.loop.post(*this);
    return;
  }
}

void Service::Listener::run() {
  for (auto& place : waiting_) {
    base::Own<verbs::ConnectionRequest> request;
    {
      const base::SpinGuard guard(service_.world_.lock);
      request = std::move(place);
    }
    if (!request) continue;
    ++service_.running_;
    base::spawn((service_.*serve_)(std::move(request)), [&service = service_](Result<> ended) {
      --service.running_;
      if (!ended) base::log_debug("verbs_test", "a connection ended: {}", ended.error());
    });
  }
}

// ---- Connections

TaskContext Service::served(Channel* channel, Slot* slot, Counts* counts) {
  return {&world_, channel, slot, counts, ControlRequest{}, world_.loop.now_ns() + longest_connection_ns};
}

base::Task<> Service::serve_rping(base::Own<verbs::ConnectionRequest> owned) {
  Request request(world_, std::move(owned));
  CO_TRY(Slot* const slot, slots_.take());
  const Lease lease(slots_, *slot);
  Channel channel(world_);
  Counts counts;
  const TaskContext context = served(&channel, slot, &counts);
  CO_TRY_VOID(open_rping(context));
  CO_TRY_VOID(channel.accept(*request, {.responder_resources = 1, .initiator_depth = 1}));
  request.reset();
  const Result<> ended = co_await rping_server(context);
  base::log_info("verbs_test", "rping: {} pings, {} bytes", counts.messages, counts.bytes);
  co_return ended;
}

base::Task<> Service::serve_stream(base::Own<verbs::ConnectionRequest> owned) {
  Request request(world_, std::move(owned));
  CO_TRY(Slot* const slot, slots_.take());
  const Lease lease(slots_, *slot);
  Channel channel(world_);
  Counts counts;
  const Result<> ended = co_await streams_.serve(served(&channel, slot, &counts), &*request);
  base::log_info("verbs_test", "stream: {} bytes so far, {} wrong", counts.bytes, counts.mismatches);
  co_return ended;
}

base::Task<> Service::serve_control(base::Own<verbs::ConnectionRequest> owned) {
  Request request(world_, std::move(owned));
  CO_TRY(Slot* const slot, slots_.take());
  const Lease lease(slots_, *slot);
  Channel channel(world_);
  CO_TRY_VOID(channel.open(verbs::QpType::ReliableConnected, {.sends = 4, .receives = control_receives}));
  for (std::uint64_t which = 0; which < control_receives; ++which) {
    CO_TRY_VOID(channel.post_receive(which, slot->sge(slot->control().subspan(which * 256, sizeof(ControlRequest)))));
  }
  CO_TRY_VOID(channel.accept(*request, {}));
  request.reset();
  Session session(world_, *slot);
  const Result<> ended = co_await control_messages(&channel, slot, &session);
  CO_TRY_VOID(co_await session.close());
  co_return ended;
}

base::Task<> Service::control_messages(Channel* channel, Slot* slot, Session* session) {
  const auto out = slot->control().subspan(1024, sizeof(ControlAnswer));
  const verbs::Sge sge = slot->sge(out);
  for (;;) {
    const std::uint64_t deadline_ns = world_.loop.now_ns() + longest_connection_ns;
    CO_TRY(const verbs::WorkCompletion message, co_await channel->received(deadline_ns));
    const auto in = slot->control().subspan(message.wr_id * 256, sizeof(ControlRequest));
    ControlRequest request;
    std::memcpy(&request, in.data(), sizeof request);
    CO_TRY_VOID(channel->post_receive(message.wr_id, slot->sge(in)));
    if (message.byte_len != sizeof request || request.magic != control_magic || request.version != control_version) {
      co_return base::fail(Error::Malformed);
    }
    ControlAnswer answer;
    CO_TRY_VOID(co_await session->handle(request, &answer));
    std::memcpy(out.data(), &answer, sizeof answer);
    verbs::SendWorkRequest send;
    send.sg_list = std::span(&sge, 1);
    CO_TRY_VOID(channel->post_send(send));
    CO_TRY_VOID(co_await channel->sent(deadline_ns));
  }
}

}  // namespace verbs_test
