// SPDX-License-Identifier: Apache-2.0
// fw_cfg by its I/O ports: see fw_cfg.h.
#include "kernel/core/fw_cfg.h"

#include <array>
#include <cstdint>
#include <span>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "kernel/base/endian.h"

namespace kernel {
namespace {

constexpr std::uint16_t selector_port = 0x510;
constexpr std::uint16_t data_port = 0x511;
constexpr std::uint16_t signature_item = 0x0000;
constexpr std::uint16_t directory_item = 0x0019;
constexpr std::uint32_t max_files = 4096;  // a sane directory has some dozens

struct File {
  base::be32 size;
  base::be16 item;
  base::be16 reserved;
  std::array<char, 56> name;  // ends with a zero byte
};
static_assert(sizeof(File) == 64);

void read_next(std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(arch::in8(data_port));
}
template <typename T>
void read_next(T& value) {
  read_next(std::as_writable_bytes(std::span(&value, 1)));
}

bool present() {
  if (!arch::cpu_features().hypervisor) return false;  // the ports may be something else's
  std::array<char, 4> signature{};
  arch::out16(selector_port, signature_item);
  read_next(signature);
  return std::string_view(signature.data(), signature.size()) == "QEMU";
}

base::Result<File> find(std::string_view name) {
  base::be32 count;
  arch::out16(selector_port, directory_item);
  read_next(count);
  for (std::uint32_t i = 0; i < count && i < max_files; ++i) {
    File file;
    read_next(file);
    const std::string_view text(file.name.data(), file.name.size());
    if (text.substr(0, text.find('\0')) == name) return file;
  }
  return base::fail(base::Error::NotFound);
}

}  // namespace

base::Result<base::Array<std::byte>> read_fw_cfg(std::string_view name, std::size_t limit) {
  if (!present()) return base::fail(base::Error::NoDevice);
  const File file = TRY(find(name));
  if (file.size > limit) return base::fail(base::Error::TooBig);
  base::Array<std::byte> contents;
  TRY(contents.resize(file.size));
  arch::out16(selector_port, file.item);
  read_next(contents.span());
  return contents;
}

}  // namespace kernel
