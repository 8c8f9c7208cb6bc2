// SPDX-License-Identifier: Apache-2.0
// The options of a tmpfs: see mount_options.h.
#include "linux-abi/files/mount_options.h"

#include <charconv>

namespace linux_abi {
namespace {

Answer<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return error(EINVAL);
  return value;
}

// "4096", "4k", "1M", "2g".
Answer<std::uint64_t> size(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    const char last = static_cast<char>(text.back() | 0x20);
    shift = last == 'k' ? 10 : last == 'm' ? 20 : last == 'g' ? 30 : last == 't' ? 40 : 0;
  }
  if (shift != 0) text.remove_suffix(1);
  const std::uint64_t value = TRY(number(text, 10));
  if (value > ~std::uint64_t{0} >> shift) return error(EINVAL);
  return value << shift;
}

Answer<std::uint32_t> id(std::string_view text, int base, std::uint64_t most) {
  const std::uint64_t value = TRY(number(text, base));
  return value <= most ? Answer<std::uint32_t>(static_cast<std::uint32_t>(value)) : error(EINVAL);
}

Answer<> take_option(MemoryOptions& options, std::string_view name, std::string_view value,
                     std::uint64_t memory_bytes) {
  constexpr std::uint64_t page_bytes = 4096;
  if (name == "mode") {
    options.mode = TRY(id(value, 8, 07777));
  } else if (name == "uid") {
    options.uid = TRY(id(value, 10, 0xfffffffe));
  } else if (name == "gid") {
    options.gid = TRY(id(value, 10, 0xfffffffe));
  } else if (name == "size") {
    if (value.ends_with('%')) {
      const std::uint64_t share = TRY(number(value.substr(0, value.size() - 1), 10));
      if (share > 1'000'000) return error(EINVAL);
      options.max_bytes = memory_bytes / 100 * share;
    } else {
      options.max_bytes = TRY(size(value));
    }
  } else if (name == "nr_blocks") {
    const std::uint64_t blocks = TRY(size(value));
    if (blocks > ~std::uint64_t{0} / page_bytes) return error(EINVAL);
    options.max_bytes = blocks * page_bytes;
  } else if (name == "nr_inodes") {
    options.max_files = TRY(size(value));
  } else if (name != "inode64" && name != "inode32" && name != "huge" && name != "noswap" && name != "mpol") {
    return error(EINVAL);
  }
  return {};
}

}  // namespace

Answer<MemoryOptions> MemoryOptions::parse(std::string_view text, std::uint64_t memory_bytes) {
  MemoryOptions options;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view option = text.substr(0, comma);
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
    if (option.empty()) continue;
    const std::size_t equals = option.find('=');
    TRY(take_option(options, option.substr(0, equals),
                    equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1), memory_bytes));
  }
  return options;
}

}  // namespace linux_abi
