// SPDX-License-Identifier: Apache-2.0
// See test_rack.h.
#include "gmm/test_rack.h"

namespace gmm {

membership::RackKey key(const std::string& text) {
  return *membership::RackKey::from_file(std::as_bytes(std::span(text)));
}

Host::Host(Rack& owner, std::uint32_t address, std::uint64_t boot)
    : rack(owner),
      ip(address),
      boot_id(boot),
      device(owner.fabric.attach(address)),
      domain(std::move(*device->allocate_protection_domain())),
      buffers(std::make_unique<rpc::HeapBuffers>(*domain)),
      loop(owner.clock),
      driver(loop) {
  rack.hosts.push_back(this);
}

void Host::make_endpoint(rpc::Identity& identity) {
  endpoint = std::move(*rpc::Endpoint::create(
      {*device, *domain, *device, lock, rack.clock, *buffers, driver, identity, statistics, boot_id, 8}));
  driver.attach(*endpoint);
}

ManagersHost::ManagersHost(Rack& rack, std::uint64_t boot, const Counters& restored)
    : host(rack, managers_ip, boot),
      managers(key(right_key), host.loop, rack.entropy, *this, restored, this),
      server(host.loop, &managers, Managers::server_limits()) {
  host.make_endpoint(managers);
}

std::uint64_t ManagersHost::wall_time_ns() { return start_of_time_ns + host.rack.clock.now; }

Component::Component(Rack& rack, const std::string& name, ComponentKind kind, std::uint32_t ip, std::uint64_t boot,
                     const std::string& key_text)
    : host(rack, ip, boot),
      member({key(key_text), managers_ip, ip, host.boot_id, kind, name, 2, 100, 1 << 30}, host.loop, rack.entropy,
             *this),
      server(host.loop) {
  host.make_endpoint(member);
}

}  // namespace gmm
