// SPDX-License-Identifier: Apache-2.0
// Initialisation of a device, in the order that Virtual I/O Device 1.2, 3.1.1 demands.
#include "kernel/virtio/transport.h"

#include "kernel/base/platform.h"

namespace virtio {

using base::Error;
using base::fail;
using base::Result;

namespace {

// A reset takes nanoseconds in an emulator and some milliseconds in hardware; each look is an uncached read of 0.1 to
// 2 us, so this is a bound of seconds, reached only by a device that is broken.
constexpr unsigned reset_looks = 1'000'000;
constexpr unsigned config_tries = 100;

Result<> reset(Transport& transport) {
  transport.set_status(0);
  for (unsigned i = 0; i < reset_looks; ++i) {
    if (transport.status() == 0) return {};
    base::platform::relax();
  }
  return fail(Error::TimedOut);
}

void add_status(Transport& transport, std::uint8_t bits) {
  transport.set_status(static_cast<std::uint8_t>(transport.status() | bits));
}

Error give_up(Transport& transport, Error error) {
  add_status(transport, status_failed);
  return error;
}

}  // namespace

Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t wanted) {
  TRY(reset(transport));
  add_status(transport, status_acknowledge);
  add_status(transport, status_driver);
  const std::uint64_t agreed = transport.device_features() & (wanted | common_features);
  if ((agreed & feature_version_1) == 0) return fail(give_up(transport, Error::NotSupported));
  transport.set_driver_features(agreed);
  add_status(transport, status_features_ok);
  if ((transport.status() & status_features_ok) == 0) return fail(give_up(transport, Error::NotSupported));
  return agreed;
}

Result<> go_live(Transport& transport) {
  add_status(transport, status_driver_ok);
  if ((transport.status() & status_needs_reset) != 0) return fail(give_up(transport, Error::IoError));
  return {};
}

void shut_down(Transport& transport) {
  if (!reset(transport)) transport.cut_off();
}

Result<> read_stable_config(Transport& transport, std::size_t offset, std::span<std::byte> into) {
  for (unsigned i = 0; i < config_tries; ++i) {
    const std::uint8_t before = transport.config_generation();
    TRY(transport.read_config(offset, into));
    if (transport.config_generation() == before) return {};
  }
  return fail(Error::Again);
}

}  // namespace virtio
