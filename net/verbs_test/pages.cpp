// SPDX-License-Identifier: Apache-2.0
#include "net/verbs_test/pages.h"

#include <algorithm>

#include "net/rpc/await.h"
#include "net/verbs_test/pattern.h"

namespace verbs_test {

// ---- The server

Pages::~Pages() {
  if (pages_.address == nullptr) return;
  endpoint_.reset();
  const base::SpinGuard guard(world_.lock);
  buffers_.free(pages_);
}

Result<> Pages::start() {
  {
    const base::SpinGuard guard(world_.lock);
    pages_ = TRY(buffers_.allocate(count * base::page_bytes));
  }
  fill_pattern({pages_.address, pages_.bytes}, seed);
  endpoint_ = TRY(rpc::Endpoint::create({.device = world_.device,
                                         .domain = world_.domain,
                                         .connections = world_.connections,
                                         .lock = world_.lock,
                                         .clock = world_.loop.clock(),
                                         .buffers = buffers_,
                                         .driver = driver_,
                                         .identity = *this,
                                         .statistics = statistics_,
                                         .boot_id = base::BootId(world_.loop.now_ns() | 1)}));
  driver_.attach(*endpoint_);
  server_.handle<messages::PageFetchRequest, &Pages::fetch>(*this);
  return endpoint_->serve(server_, page_port);
}

void Pages::stop() {
  if (endpoint_) endpoint_->close();
}

bool Pages::stopped() { return !endpoint_ || endpoint_->closed(); }

base::Task<> Pages::fetch(rpc::ServerCall& call, messages::PageFetchRequest request) {
  if (request.tag.page >= count) co_return base::fail(Error::NotFound);
  std::byte* page = pages_.address + request.tag.page * base::page_bytes;
  co_return co_await call.reply_page({reinterpret_cast<std::uint64_t>(page), base::page_bytes, pages_.lkey});
}

void Pages::check_hello(const messages::PeerHello& hello, std::uint32_t ip, rpc::AdmissionId admission) {
  endpoint_->admit(admission, rpc::PeerInfo{.node = base::NodeId(1),
                                            .boot_id = base::BootId(hello.boot_id),
                                            .kind = messages::ComponentKind::Processor,
                                            .ip = ip});
}

Result<rpc::Peer*> Pages::server_at(std::uint32_t ip) {
  return endpoint_->peer({.node = {}, .ip = ip, .boot_id = {}, .port = page_port});
}

// ---- Who asks

namespace {

Result<rpc::Peer*> server_of(const TaskContext& context) {
  if (context.world->pages == nullptr) return base::fail(Error::NotSupported);
  return context.world->pages->server_at(verbs::Gid{context.request.peer.gid}.ipv4());
}

// Each of those that ask at a time has a place of its own for its page.
base::Task<> fetch_page(TaskContext context, rpc::Peer* server, std::uint64_t place) {
  const auto target = context.slot->exported().subspan(place * base::page_bytes, base::page_bytes);
  messages::PageFetchRequest request{};
  request.tag.id = 1;
  request.tag.page = place;
  rpc::CallOptions options;
  options.bulk = {reinterpret_cast<std::uint64_t>(target.data()), context.slot->rkey(), base::page_bytes};
  CO_TRY(const auto reply, co_await rpc::call(context.world->loop, *server, request, options));
  if (reply.bulk_bytes() != base::page_bytes) co_return base::fail(Error::Malformed);
  ++context.counts->messages;
  context.counts->bytes += base::page_bytes;
  if (context.has(flag_verify)) {
    context.counts->mismatches += count_mismatches(target, Pages::seed, place * base::page_bytes);
  }
  co_return {};
}

struct Workers {
  explicit Workers(base::EventLoop& loop) : ended(loop) {}
  base::AsyncCondition ended;
  std::uint32_t running = 0;
  std::uint32_t left = 0;
  Result<> outcome;
};

base::Task<> work(TaskContext context, rpc::Peer* server, Workers* workers, std::uint64_t place) {
  while (workers->left > 0) {
    --workers->left;
    CO_TRY_VOID(co_await fetch_page(context, server, place));
  }
  co_return {};
}

}  // namespace

base::Task<> timed_calls(TaskContext context) {
  CO_TRY(rpc::Peer* const server, server_of(context));
  Samples samples(context.slot->samples());
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    const std::uint64_t begin_ns = context.world->loop.now_ns();
    CO_TRY_VOID(co_await fetch_page(context, server, i % Pages::count));
    samples.add(context.world->loop.now_ns() - begin_ns);
  }
  context.counts->times = samples.times();
  co_return {};
}

base::Task<> calls(TaskContext context) {
  CO_TRY(rpc::Peer* const server, server_of(context));
  Workers workers(context.world->loop);
  workers.left = context.request.iterations;
  workers.running = std::clamp<std::uint32_t>(context.request.depth, 1, Pages::count);
  for (std::uint64_t place = 0, all = workers.running; place < all; ++place) {
    base::spawn(work(context, server, &workers, place), [&workers](Result<> ended) {
      if (!ended) workers.outcome = ended;
      --workers.running;
      workers.ended.wake_all();
    });
  }
  while (workers.running > 0) co_await workers.ended.wait();
  co_return workers.outcome;
}

}  // namespace verbs_test
