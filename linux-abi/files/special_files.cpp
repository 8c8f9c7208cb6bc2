// SPDX-License-Identifier: Apache-2.0
// Character devices: see special_files.h.
#include "linux-abi/files/special_files.h"

#include <asm/fcntl.h>
#include <linux/fs.h>

#include <cstring>

#include "kernel/base/memory.h"
#include "kernel/core/entropy.h"
#include "linux-abi/console/pseudo_terminal.h"
#include "linux-abi/console/terminal.h"
#include "linux-abi/files/loop_devices.h"
#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/user_values.h"

namespace linux_abi {
namespace {

// What they share: no position to speak of, reads and writes that never wait.
class DeviceFile : public PlacedFile {
 public:
  using PlacedFile::PlacedFile;
  Answer<std::uint64_t> seek(std::int64_t, int whence, Caller&) override {
    if (whence < SEEK_SET || whence > SEEK_END) return error(EINVAL);
    return std::uint64_t{0};
  }
  Answer<std::size_t> read_at(std::uint64_t, std::span<std::byte> to, Caller& caller) override {
    return read(to, caller);
  }
  Answer<std::size_t> write_at(std::uint64_t, std::span<const std::byte> from, Caller& caller) override {
    return write(from, caller);
  }
  bool continues() const override { return true; }
  Answer<std::size_t> write(std::span<const std::byte> from, Caller&) override { return from.size(); }

 private:
  void close() override { base::Own<DeviceFile>(this).reset(); }
  PlaceReference place_;
};

class NullFile final : public DeviceFile {
 public:
  using DeviceFile::DeviceFile;
  Answer<std::size_t> read(std::span<std::byte>, Caller&) override { return std::size_t{0}; }
};

class ZeroFile : public DeviceFile {
 public:
  using DeviceFile::DeviceFile;
  bool maps_as_anonymous() const override { return true; }
  Answer<std::size_t> read(std::span<std::byte> to, Caller&) override {
    std::memset(to.data(), 0, to.size());
    return to.size();
  }
};

class FullFile final : public ZeroFile {
 public:
  using ZeroFile::ZeroFile;
  bool maps_as_anonymous() const override { return false; }
  Answer<std::size_t> write(std::span<const std::byte>, Caller&) override { return error(ENOSPC); }
};

class RandomFile final : public DeviceFile {
 public:
  using DeviceFile::DeviceFile;
  Answer<std::size_t> read(std::span<std::byte> to, Caller&) override {
    kernel::fill_random(to);
    return to.size();
  }
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override {
    constexpr std::uint32_t get_entropy = 0x80045200;  // RNDGETENTCNT: always full
    constexpr std::int32_t bits = 256;
    if (request != get_entropy) return error(ENOTTY);
    return copy_value_out(caller, argument, bits);
  }
};

template <typename File>
Answer<OpenFileReference> make_file(int flags, PlaceReference place) {
  auto file = base::make<File>(flags, std::move(place));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace

Answer<OpenFileReference> open_device(std::uint64_t number, int flags, PlaceReference place, Caller& caller) {
  const bool controlling = (flags & O_NOCTTY) == 0;
  flags &= ~O_NOCTTY;
  if (device::is_pseudo_slave(number))
    return open_pseudo_slave(static_cast<int>(number & 0xff), flags, std::move(place), controlling, caller);
  switch (number) {
    case device::null:
      return make_file<NullFile>(flags, std::move(place));
    case device::zero:
      return make_file<ZeroFile>(flags, std::move(place));
    case device::full:
      return make_file<FullFile>(flags, std::move(place));
    case device::random:
    case device::urandom:
      return make_file<RandomFile>(flags, std::move(place));
    case device::pseudo_master:
      return open_pseudo_master(flags, std::move(place), caller);
    case device::loop_control:
      return open_loop_control(flags, std::move(place), caller);
    case device::tty:
    case device::console:
      return open_controlling_terminal(flags, std::move(place), caller);
    default:
      return error(ENXIO);
  }
}

Answer<OpenFileReference> open_block_device(std::uint64_t number, int flags, PlaceReference place, Caller& caller) {
  if (number >> 8 != device::loop(0) >> 8) return error(ENXIO);
  return open_loop(static_cast<std::uint32_t>(number & 0xff), flags, std::move(place), caller);
}

}  // namespace linux_abi
