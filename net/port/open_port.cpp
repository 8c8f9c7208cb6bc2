// SPDX-License-Identifier: Apache-2.0
// Composition of device, port and engine.
#include "net/port/open_port.h"

#include <algorithm>
#include <array>

#include "kernel/base/log.h"

namespace port {

using base::Error;
using base::fail;

namespace {

// More than that is of no use to a transmit ring.
constexpr std::uint32_t transmit_slots = 256;

constexpr std::size_t timed_bytes = 4096;
constexpr unsigned timed_runs = 5;  // the best counts: the others were disturbed

std::uint64_t time_crc(const base::Clock& clock, const roce::CrcMethodInfo& method, std::span<const std::byte> bytes) {
  std::uint64_t best_ns = base::never_ns;
  for (unsigned run = 0; run < timed_runs; ++run) {
    const std::uint64_t start_ns = clock.now_ns();
    const volatile std::uint32_t state = method.update(roce::icrc_seed, bytes.data(), bytes.size());
    static_cast<void>(state);  // volatile: the work is not optimised away
    best_ns = std::min(best_ns, clock.now_ns() - start_ns);
  }
  return best_ns;
}

}  // namespace

Result<base::Own<EthernetPort>> open_port(netdev::NetDevice& device, const base::Clock& clock,
                                          roce::EngineConfig config) {
  config.mac = {device.mac()};
  config.link_mtu = device.mtu();
  config.transmit_slots = transmit_slots;
  auto port = TRY(EthernetPort::create(device, clock, transmit_slots));
  auto engine = TRY(roce::Engine::create(config, clock, *port));
  port->attach(std::move(engine));
  return port;
}

Result<roce::CrcMethod> choose_crc(const base::Clock& clock, std::string_view name) {
  static constinit std::array<std::byte, timed_bytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  const std::uint32_t right =
      roce::crc_method(roce::CrcMethod::ByteTable).update(roce::icrc_seed, bytes.data(), bytes.size());
  const roce::CrcMethodInfo* best = nullptr;
  std::uint64_t best_ns = base::never_ns;
  for (const roce::CrcMethodInfo& method : roce::crc_methods()) {
    if (!name.empty() && method.name != name) continue;
    if (method.update(roce::icrc_seed, bytes.data(), bytes.size()) != right) {
      base::log_error("port", "the ICRC by {} is wrong on this CPU", method.name);
      continue;
    }
    const std::uint64_t took_ns = time_crc(clock, method, bytes);
    base::log_debug("port", "ICRC of {} bytes by {}: {} ns", timed_bytes, method.name, took_ns);
    if (best != nullptr && took_ns >= best_ns) continue;
    best = &method;
    best_ns = took_ns;
  }
  if (best == nullptr) return fail(Error::NotFound);
  return best->method;
}

}  // namespace port
