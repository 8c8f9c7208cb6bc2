// SPDX-License-Identifier: Apache-2.0
// Random numbers, and what the host gives the machine: files by fw_cfg (the test's command line names the file and what
// is in it) and boot modules.
#include <array>
#include <cstring>

#include "kernel/core/entropy.h"
#include "kernel/core/fw_cfg.h"
#include "kernel/core/rack_key.h"
#include "tests/rack/kernel_check/check.h"

namespace kernel_check {
namespace {

std::string_view text_of(const base::Array<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void check_random(const kernel::BootInfo&) {
  std::array<std::byte, 1000> first{}, second{};
  kernel::fill_random(first);
  kernel::fill_random(second);
  EXPECT(std::memcmp(first.data(), second.data(), 32) != 0);
  EXPECT(kernel::random_u64() != kernel::random_u64());
  std::array<unsigned, 256> counts{};
  for (const std::byte byte : first) ++counts[static_cast<unsigned>(byte)];
  for (const unsigned count : counts) EXPECT(count < 40);  // 4 on average
}

void check_host_files(const kernel::BootInfo& boot) {
  EXPECT(kernel::read_fw_cfg("opt/lego/no-such-file", 100).error() == base::Error::NotFound);
  const auto expected = boot.command_line().find("rack_key");
  const auto key = kernel::read_rack_key(boot);
  if (!expected) {
    EXPECT(key.error() == base::Error::NotFound);
    return;
  }
  EXPECT(key.has_value() && text_of(*key) == *expected);
  if (boot.find_module("rack-key") == nullptr)
    EXPECT(kernel::read_fw_cfg("opt/lego/rack-key", 3).error() == base::Error::TooBig);
}

}  // namespace kernel_check
