// SPDX-License-Identifier: Apache-2.0
// See elf_core.h.
#include "linux-abi/core/elf_core.h"

#include <linux/elf-em.h>
#include <linux/elf.h>

#include <cstring>

#include "kernel/base/types.h"

namespace core {

using base::Result;

namespace {

constexpr std::size_t note_alignment = 4;

Result<> append(base::Array<std::byte>& to, std::span<const std::byte> bytes) { return to.append(bytes); }

template <typename T>
Result<> append_object(base::Array<std::byte>& to, const T& object) {
  return append(to, std::as_bytes(std::span(&object, 1)));
}

Result<> pad(base::Array<std::byte>& to, std::size_t alignment) {
  return to.resize(base::round_up(to.size(), alignment));
}

Elf64_Ehdr file_header(std::size_t program_headers) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<Elf64_Half>(program_headers);
  return header;
}

std::uint32_t segment_flags(std::uint32_t rights) {
  return ((rights & 1) != 0 ? PF_R : 0U) | ((rights & 2) != 0 ? PF_W : 0U) | ((rights & 4) != 0 ? PF_X : 0U);
}

}  // namespace

Result<> Notes::add(std::string_view owner, std::uint32_t type, std::span<const std::byte> content) {
  const Elf64_Nhdr header{.n_namesz = static_cast<Elf64_Word>(owner.size() + 1),
                          .n_descsz = static_cast<Elf64_Word>(content.size()),
                          .n_type = type};
  TRY(append_object(bytes_, header));
  TRY(append(bytes_, std::as_bytes(std::span(owner))));
  TRY(bytes_.push_back(std::byte{0}));
  TRY(pad(bytes_, note_alignment));
  TRY(append(bytes_, content));
  return pad(bytes_, note_alignment);
}

Result<> MappedFiles::add(std::uint64_t start, std::uint64_t end, std::uint64_t offset, std::string_view path) {
  TRY(places_.push_back({start, end, offset / base::page_bytes}));
  TRY(paths_.append(std::span(path)));
  return paths_.push_back('\0');
}

Result<base::Array<std::byte>> MappedFiles::content() const {
  base::Array<std::byte> bytes;
  TRY(append_object(bytes, std::uint64_t{places_.size()}));
  TRY(append_object(bytes, std::uint64_t{base::page_bytes}));
  TRY(append(bytes, std::as_bytes(places_.span())));
  TRY(append(bytes, std::as_bytes(paths_.span())));
  return bytes;
}

Result<base::Array<std::byte>> head_of(std::span<const Segment> segments, const Notes& notes) {
  const std::size_t headers = segments.size() + 1;
  if (headers >= PN_XNUM) return base::fail(base::Error::TooBig);
  base::Array<std::byte> head;
  TRY(append_object(head, file_header(headers)));
  const std::uint64_t notes_at = sizeof(Elf64_Ehdr) + headers * sizeof(Elf64_Phdr);
  Elf64_Phdr note{};
  note.p_type = PT_NOTE;
  note.p_offset = notes_at;
  note.p_filesz = notes.bytes().size();
  note.p_align = note_alignment;
  TRY(append_object(head, note));
  std::uint64_t at = base::round_up(notes_at + notes.bytes().size(), base::page_bytes);
  for (const Segment& segment : segments) {
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_offset = at;
    load.p_vaddr = segment.address;
    load.p_memsz = segment.memory_bytes;
    load.p_filesz = segment.file_bytes;
    load.p_flags = segment_flags(segment.rights);
    load.p_align = base::page_bytes;
    TRY(append_object(head, load));
    at += segment.file_bytes;
  }
  TRY(append(head, notes.bytes()));
  return head;
}

void note_features(std::span<std::byte> image, std::uint64_t features) {
  constexpr std::size_t place = 464;
  if (image.size() >= place + sizeof features) std::memcpy(image.data() + place, &features, sizeof features);
}

}  // namespace core
