// SPDX-License-Identifier: Apache-2.0
// ELF files: see elf_file.h.
#include "tools/image/elf_file.h"

#include <cxxabi.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace image {
namespace {

template <typename T>
std::optional<T> read_at(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

std::optional<std::span<const std::byte>> part(std::span<const std::byte> bytes, std::uint64_t offset,
                                               std::uint64_t length) {
  if (offset > bytes.size() || length > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(offset, length);
}

std::string text_at(std::span<const std::byte> table, std::uint64_t offset) {
  if (offset >= table.size()) return {};
  const auto* start = reinterpret_cast<const char*>(table.data()) + offset;
  return std::string(start, strnlen(start, table.size() - offset));
}

std::expected<std::vector<Symbol>, std::string> read_symbols(std::span<const std::byte> bytes,
                                                             const Elf64_Ehdr& header) {
  std::vector<Symbol> symbols;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = read_at<Elf64_Shdr>(bytes, header.e_shoff + std::uint64_t{i} * sizeof(Elf64_Shdr));
    if (!section) return std::unexpected("the section table is cut off");
    if (section->sh_type != SHT_SYMTAB) continue;
    const auto strings =
        read_at<Elf64_Shdr>(bytes, header.e_shoff + std::uint64_t{section->sh_link} * sizeof(Elf64_Shdr));
    if (!strings) return std::unexpected("the symbol table has no names");
    const auto names = part(bytes, strings->sh_offset, strings->sh_size);
    const auto entries = part(bytes, section->sh_offset, section->sh_size);
    if (!names || !entries) return std::unexpected("the symbol table is cut off");
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= entries->size(); at += sizeof(Elf64_Sym)) {
      const auto symbol = *read_at<Elf64_Sym>(*entries, at);
      symbols.push_back({text_at(*names, symbol.st_name), symbol.st_value, symbol.st_size,
                         static_cast<unsigned>(ELF64_ST_TYPE(symbol.st_info)), symbol.st_shndx != SHN_UNDEF});
    }
  }
  return symbols;
}

}  // namespace

std::expected<ElfFile, std::string> ElfFile::parse(std::vector<std::byte> bytes) {
  ElfFile file;
  file.bytes_ = std::move(bytes);
  const std::span<const std::byte> all = file.bytes_;
  const auto header = read_at<Elf64_Ehdr>(all, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return std::unexpected("not an ELF file");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
    return std::unexpected("not an x86-64 ELF file");
  file.entry_ = header->e_entry;
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    const auto segment = read_at<Elf64_Phdr>(all, header->e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
    if (!segment) return std::unexpected("the program header table is cut off");
    const auto contents = part(all, segment->p_offset, segment->p_filesz);
    if (!contents) return std::unexpected("a segment is cut off");
    file.segments_.push_back(
        {segment->p_type, segment->p_flags, segment->p_vaddr, segment->p_paddr, segment->p_memsz, *contents});
  }
  auto symbols = read_symbols(all, *header);
  if (!symbols) return std::unexpected(symbols.error());
  file.symbols_ = std::move(*symbols);
  return file;
}

std::expected<ElfFile, std::string> ElfFile::read(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::unexpected("cannot be opened");
  const std::vector<char> contents{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const auto bytes = std::as_bytes(std::span(contents));
  return parse({bytes.begin(), bytes.end()});
}

const Symbol* ElfFile::find(std::string_view name) const {
  for (const Symbol& symbol : symbols_)
    if (symbol.name == name) return &symbol;
  return nullptr;
}

std::string demangle(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 ? std::string(text.get()) : name;
}

}  // namespace image
