// SPDX-License-Identifier: Apache-2.0
// Who may connect: hellos are read, checked by Identity (which may have to ask the managers), and accepted into a new
// or a known session.
#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "net/rpc/client_session.h"
#include "net/rpc/endpoint_core.h"
#include "net/rpc/server_session.h"
#include "net/rpc/statistics.h"

namespace rpc {

Result<> EndpointCore::serve(Server& server, std::uint16_t port) {
  const base::SpinGuard guard(lock());
  auto listener = TRY(base::try_make<Listener>(*this, server, port));
  TRY(listeners_.push_back(std::move(listener)));
  if (auto listening = configuration_.connections.listen(port, *listeners_.back()); !listening) {
    listeners_.pop_back();
    return listening;
  }
  for (std::uint16_t operation = 0; operation < Server::max_operation; ++operation) {
    if (server.find(operation) != nullptr) statistics().serves(operation);
  }
  return {};
}

void EndpointCore::Listener::requested(base::Own<verbs::ConnectionRequest> request) {
  if (core.admissions_.size() >= max_admissions) return;  // rejected by its destruction; the caller tries again
  Admission admission;
  admission.id = ++core.admission_ids_;
  admission.request = std::move(request);
  admission.server = &server;
  if (!core.admissions_.push_back(std::move(admission))) return;
  core.maintenance_wanted();
}

void EndpointCore::check_admissions() {
  while (ask_next_admission()) {
  }
}

// Handles one new connection request; false if there is none.
bool EndpointCore::ask_next_admission() {
  messages::PeerHello hello;
  AdmissionId id;
  std::uint32_t ip = 0;
  {
    const base::SpinGuard guard(lock());
    auto* next =
        std::find_if(admissions_.begin(), admissions_.end(), [](const Admission& entry) { return !entry.asked; });
    if (next == admissions_.end()) return false;
    next->asked = true;
    const std::span<const std::byte> data = next->request->private_data();
    Error error = Error::None;
    if (data.size() < sizeof(hello)) {
      error = Error::Malformed;
    } else {
      std::memcpy(static_cast<void*>(&hello), data.data(), sizeof(hello));
      const std::uint64_t wanted = hello.peer_boot_id;
      if (hello.version != messages::protocol_version) {
        error = Error::VersionMismatch;
      } else if (hello.slots == 0 || hello.boot_id == 0 || hello.reserved != 0) {
        error = Error::Malformed;
      } else if (wanted != 0 && wanted != configuration_.boot_id.value()) {
        error = Error::Stale;
      }
    }
    ip = next->request->peer().ipv4();
    if (error != Error::None) {
      refuse(*next->request, error);
      admissions_.erase(static_cast<std::size_t>(next - admissions_.begin()));
      return true;
    }
    next->hello = hello;
    id.value = next->id;
  }
  configuration_.identity.check_hello(hello, ip, id);
  return true;
}

void EndpointCore::admit(AdmissionId id, Result<PeerInfo> who) {
  const base::SpinGuard guard(lock());
  auto* found = std::find_if(admissions_.begin(), admissions_.end(),
                             [&](const Admission& entry) { return entry.id == id.value; });
  if (found == admissions_.end()) return;
  if (who) {
    accept(*found, *who);
  } else {
    refuse(*found->request, who.error());
  }
  admissions_.erase(static_cast<std::size_t>(found - admissions_.begin()));
}

void EndpointCore::refuse(verbs::ConnectionRequest& request, Error error) {
  if (error != Error::Busy) {
    ++statistics().traffic.refused_connections;
    const std::uint32_t ip = request.peer().ipv4();
    base::log_warning("rpc", "refused a connection from {}.{}.{}.{}: {}", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
                      ip & 255, error);
  }
  messages::PeerRefusal refusal;
  refusal.version = messages::protocol_version;
  refusal.error = static_cast<std::uint32_t>(error);
  request.reject(verbs::RejectReason::Consumer, std::as_bytes(std::span(&refusal, 1)));
}

void EndpointCore::accept(Admission& admission, const PeerInfo& who) {
  ServerSession* session = nullptr;
  for (auto& known : sessions_) {
    if (!known->forgotten() && known->is(who.boot_id, admission.hello.session)) session = known.get();
  }
  const bool resumed = session != nullptr;
  if (!resumed) {
    auto added = add_session(admission, who);
    if (!added) {
      refuse(*admission.request, Error::Busy);
      return;
    }
    session = *added;
  }
  if (auto accepted = session->accept(*admission.request, who, resumed); !accepted) {
    refuse(*admission.request, Error::Busy);
    if (!resumed) session->forget();
  }
}

Result<ServerSession*> EndpointCore::add_session(Admission& admission, const PeerInfo& who) {
  if (sessions_.size() >= max_sessions) return base::fail(Error::Exhausted);
  auto added =
      TRY(base::try_make<ServerSession>(*this, *admission.server, who, std::uint32_t{admission.hello.session}));
  TRY(added->allocate(std::min({admission.hello.slots.get(), admission.server->limits().slots, max_slots})));
  TRY(sessions_.push_back(std::move(added)));
  return sessions_.back().get();
}

}  // namespace rpc
