// SPDX-License-Identifier: Apache-2.0
// The public face of EndpointCore.
#include "net/rpc/endpoint.h"

#include "net/rpc/client_session.h"
#include "net/rpc/endpoint_core.h"
#include "net/rpc/server_session.h"

namespace rpc {

Result<base::Own<Endpoint>> Endpoint::create(const EndpointConfiguration& configuration) {
  if (!configuration.boot_id || configuration.slots == 0) return base::fail(Error::InvalidArgument);
  auto core = TRY(base::try_make<EndpointCore>(configuration));
  return base::try_make<Endpoint>(std::move(core));
}

Endpoint::Endpoint(base::Own<EndpointCore> core) : core_(std::move(core)) {}
Endpoint::~Endpoint() = default;

void Endpoint::close() { core_->close(); }
bool Endpoint::closed() { return core_->closed(); }

Result<Peer*> Endpoint::peer(const NodeAddress& address) { return core_->peer(address); }
Result<> Endpoint::serve(Server& server, std::uint16_t port) { return core_->serve(server, port); }
void Endpoint::admit(AdmissionId admission, Result<PeerInfo> who) { core_->admit(admission, std::move(who)); }
void Endpoint::declare_dead(base::BootId boot_id) { core_->declare_dead(boot_id); }
void Endpoint::poll() { core_->poll(); }
void Endpoint::maintain() { core_->maintain(); }
std::uint64_t Endpoint::next_deadline_ns() { return core_->next_deadline_ns(); }
std::uint64_t Endpoint::demand_since_ns() const { return core_->demand_since_ns(); }
void Endpoint::set_wall_clock_offset(std::uint64_t offset_ns) { core_->set_wall_clock_offset(offset_ns); }
void Endpoint::set_epoch(std::uint64_t epoch) { core_->set_epoch(epoch); }

}  // namespace rpc
