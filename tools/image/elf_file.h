// SPDX-License-Identifier: Apache-2.0
// Reads the parts of an x86-64 ELF file that image building and its tests look at. Hosted; a damaged file is an error
// with a sentence that says what is wrong, never undefined behaviour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace image {

struct Segment {
  std::uint32_t type = 0, flags = 0;  // PT_*, PF_*
  std::uint64_t address = 0, physical = 0, memory_bytes = 0;
  std::span<const std::byte> contents;
};

struct Symbol {
  std::string name;
  std::uint64_t address = 0, bytes = 0;
  unsigned type = 0;  // STT_*
  bool defined = false;
};

class ElfFile {
 public:
  static std::expected<ElfFile, std::string> parse(std::vector<std::byte> bytes);
  static std::expected<ElfFile, std::string> read(const std::string& path);

  std::uint64_t entry() const { return entry_; }
  const std::vector<Segment>& segments() const { return segments_; }
  const std::vector<Symbol>& symbols() const { return symbols_; }
  // nullptr when there is none of this name.
  const Symbol* find(std::string_view name) const;
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::uint64_t entry_ = 0;
  std::vector<Segment> segments_;
  std::vector<Symbol> symbols_;
};

// As the compiler's source has it; names that are not mangled stay.
std::string demangle(const std::string& name);

}  // namespace image
