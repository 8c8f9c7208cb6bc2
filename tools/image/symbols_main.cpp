// SPDX-License-Identifier: Apache-2.0
// image_symbols IMAGE TABLE: writes the names of an image's functions as the table that kernel/core/symbol_table.h
// describes. The build links an image, runs this, and has objcopy put the table at the end.
#include <elf.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>

#include "tools/image/elf_file.h"

namespace {

constexpr std::uint32_t magic = 0x4d59534c;  // symbol_table_magic
constexpr std::uint64_t image_base = 0xffffffff80000000;
constexpr std::size_t longest_name = 100;

void put(std::string& out, std::size_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}

// Without the types of parameters deep inside: template arguments can fill pages.
std::string short_name(const std::string& mangled) {
  std::string name = image::demangle(mangled);
  if (name.size() > longest_name) name = name.substr(0, longest_name - 3) + "...";
  return name;
}

std::string make_table(const image::ElfFile& file) {
  std::map<std::uint64_t, std::string> functions;  // of several names of one address the first counts
  for (const image::Symbol& symbol : file.symbols()) {
    const bool code = symbol.type == STT_FUNC || (symbol.type == STT_NOTYPE && !symbol.name.contains('.'));
    if (code && symbol.defined && symbol.address > image_base) functions.emplace(symbol.address, symbol.name);
  }

  constexpr std::size_t header_bytes = 12;
  const std::size_t names_at = header_bytes + functions.size() * 8;
  std::string entries, names;
  for (const auto& [address, name] : functions) {
    put(entries, static_cast<std::uint32_t>(address - image_base));
    put(entries, names_at + names.size());
    names += short_name(name) + '\0';
  }
  std::string header;
  put(header, magic);
  put(header, names_at + names.size());
  put(header, functions.size());
  return header + entries + names;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: image_symbols IMAGE TABLE\n");
    return 2;
  }
  const auto file = image::ElfFile::read(arguments[1]);
  if (!file) {
    std::fprintf(stderr, "image_symbols: %s: %s\n", arguments[1], file.error().c_str());
    return 1;
  }
  const std::string table = make_table(*file);
  std::ofstream out(arguments[2], std::ios::binary);
  out.write(table.data(), static_cast<std::streamsize>(table.size()));
  out.close();
  return out ? 0 : 1;
}
