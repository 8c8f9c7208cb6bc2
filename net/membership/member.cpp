// SPDX-License-Identifier: Apache-2.0
// Joining and staying a member: see member.h.
#include "net/membership/member.h"

#include <algorithm>

#include "kernel/base/log.h"
#include "net/membership/sha256.h"
#include "net/rpc/await.h"

namespace membership {

namespace {

constexpr std::uint64_t call_timeout_ns = 5 * base::second_ns;
constexpr std::uint64_t retry_interval_ns = 200 * base::millisecond_ns;
constexpr std::uint64_t late_heartbeat_ns = 5 * base::second_ns;

}  // namespace

Member::Member(const MemberConfiguration& configuration, base::EventLoop& loop, Entropy& entropy,
               MemberObserver& observer)
    : configuration_(configuration), loop_(loop), entropy_(entropy), observer_(observer), wakes_(loop), alarm_(wakes_) {
  std::copy_n(configuration.name.begin(), std::min(configuration.name.size(), name_.size() - 1), name_.begin());
  configuration_.name = {};
}

Member::~Member() { LEGO_ASSERT(stopped()); }

Result<> Member::start(rpc::Endpoint& endpoint) {
  endpoint_ = &endpoint;
  managers_ = TRY(endpoint.peer({{}, configuration_.managers_ip, {}, messages::managers_port}));
  ++running_;
  base::spawn(run(), [this](Result<>) { --running_; });
  return {};
}

void Member::stop() {
  stopping_ = true;
  wakes_.wake_all();
}

base::Task<> Member::sleep(std::uint64_t duration_ns) {
  if (!stopping_) {
    loop_.arm(alarm_, loop_.now_ns() + duration_ns);
    co_await wakes_.wait();
  }
  alarm_.cancel();
  co_return {};
}

base::Task<> Member::run() {
  while (!stopping_) {
    Result<> outcome = co_await join();
    if (outcome) outcome = co_await keep_lease();
    if (stopping_) break;
    const Error error = outcome ? Error::None : outcome.error();
    if (final_refusal(error)) {
      base::log_error("membership", "the managers refuse us: {}", error);
      observer_.refused(error);
      co_return {};
    }
    if (error == Error::Stale) {
      base::log_error("membership", "the lease of node {} is lost", node_);
      observer_.lease_lost();
      co_return {};
    }
    base::log_debug("membership", "joining again after {}", error);
    (void)co_await sleep(retry_interval_ns);
  }
  (void)co_await leave();
  co_return {};
}

// --- joining ---

base::Task<> Member::join() {
  messages::JoinRequest request;
  request.version = messages::protocol_version;
  request.kind = static_cast<std::uint8_t>(configuration_.kind);
  request.ip = configuration_.ip;
  request.boot_id = configuration_.boot_id.value();
  request.cores = configuration_.cores;
  request.excache_lines = configuration_.excache_lines;
  request.memory_bytes = configuration_.memory_bytes;
  request.name = name_;
  entropy_.fill(std::as_writable_bytes(std::span(request.nonce)));
  messages::JoinReply answer;
  {
    CO_TRY(auto reply, co_await rpc::call(loop_, *managers_, request, {.timeout_ns = call_timeout_ns}));
    answer = reply.body;
  }
  const RackKey& key = configuration_.key;
  const bool believed =
      equal_digests(answer.proof, managers_proof(key, request.nonce, answer.nonce, configuration_.boot_id));
  messages::JoinProveRequest prove;
  prove.boot_id = request.boot_id;
  // Managers with another key learn that by an empty proof, so that both sides can say so.
  if (believed) {
    prove.proof = component_proof(key, answer.nonce, request.nonce, configuration_.boot_id, configuration_.kind);
  }
  const std::uint64_t asked_ns = loop_.now_ns();
  auto proved = co_await rpc::call(loop_, *managers_, prove, {.timeout_ns = call_timeout_ns});
  if (!believed) {
    base::log_error("membership", "the managers do not have our rack key");
    co_return base::fail(Error::AuthenticationFailed);
  }
  if (!proved) co_return base::fail(proved.error());
  const messages::JoinProveReply& grant = proved->body;
  if (grant.node == 0 || grant.heartbeat_interval_ns == 0 || grant.lease_ns == 0) {
    co_return base::fail(Error::Malformed);
  }
  node_ = base::NodeId(grant.node);
  hello_node_.store(grant.node, std::memory_order_relaxed);
  epoch_ = grant.epoch;
  heartbeat_interval_ns_ = grant.heartbeat_interval_ns;
  lease_ns_ = grant.lease_ns;
  last_heard_ns_ = asked_ns;
  endpoint_->set_epoch(epoch_);
  take_wall_time(grant.wall_time_ns, asked_ns);
  base::log_info("membership", "joined as node {}", node_);
  if (!std::exchange(told_joined_, true)) observer_.joined();
  co_return {};
}

// --- staying ---

base::Task<> Member::keep_lease() {
  while (!stopping_) {
    const Result<> outcome = co_await heartbeat();
    if (!outcome) {
      const Error error = outcome.error();
      if (error == Error::Stale || error == Error::PeerDead || loop_.now_ns() - last_heard_ns_ >= lease_ns_)
        co_return base::fail(Error::Stale);
      // Managers that were started again do not know us: join them anew. Anything else may pass.
      if (error == Error::AccessDenied || final_refusal(error)) co_return base::fail(error);
    }
    const std::uint64_t due_ns = loop_.now_ns() + heartbeat_interval_ns_;
    (void)co_await sleep(heartbeat_interval_ns_);
    // Says which side a lost lease was lost on.
    const std::uint64_t now_ns = loop_.now_ns(), late_ns = now_ns > due_ns ? now_ns - due_ns : 0;
    if (late_ns > late_heartbeat_ns) {
      base::log_warning("membership", "this component had no time for its heartbeat: {} ms late",
                        late_ns / base::millisecond_ns);
    }
  }
  co_return {};
}

base::Task<> Member::heartbeat() {
  const Load load = observer_.load();
  messages::HeartbeatRequest request;
  request.boot_id = configuration_.boot_id.value();
  request.frames_total = load.frames_total;
  request.frames_free = load.frames_free;
  request.load = load.load;
  const std::uint64_t asked_ns = loop_.now_ns();
  messages::HeartbeatReply answer;
  {
    CO_TRY(auto reply, co_await rpc::call(loop_, *managers_, request, {.timeout_ns = call_timeout_ns}));
    answer = reply.body;
  }
  last_heard_ns_ = asked_ns;
  take_wall_time(answer.wall_time_ns, asked_ns);
  observer_.rack_memory({answer.memory_bytes, answer.memory_free_bytes});
  if (answer.membership_version != membership_version_) {
    (void)co_await refresh_nodes(answer.membership_version);
  }
  co_return {};
}

base::Task<> Member::refresh() {
  if (!has_joined() || stopping_) co_return base::fail(Error::NotConnected);
  ++running_;
  const Result<> outcome = co_await heartbeat();
  --running_;
  co_return outcome;
}

base::Task<> Member::leave() {
  if (!has_joined()) co_return {};
  messages::LeaveRequest request;
  request.boot_id = configuration_.boot_id.value();
  CO_TRY_VOID(co_await rpc::call(loop_, *managers_, request, {.timeout_ns = base::second_ns}));
  co_return {};
}

// The answer was written between asked_ns and now. The sample with the shortest round trip counts, but slowly ages.
void Member::take_wall_time(std::uint64_t wall_time_ns, std::uint64_t asked_ns) {
  const std::uint64_t now_ns = loop_.now_ns();
  const std::uint64_t round_trip_ns = now_ns - asked_ns;
  if (wall_uncertainty_ns_ != base::never_ns) wall_uncertainty_ns_ += wall_uncertainty_ns_ / 8 + base::microsecond_ns;
  if (round_trip_ns > wall_uncertainty_ns_ || wall_time_ns < now_ns) return;
  wall_uncertainty_ns_ = round_trip_ns;
  wall_offset_ns_ = wall_time_ns + round_trip_ns / 2 - now_ns;
  endpoint_->set_wall_clock_offset(wall_offset_ns_);
}

}  // namespace membership
