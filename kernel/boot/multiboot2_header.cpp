// SPDX-License-Identifier: Apache-2.0
// The header that GRUB looks for in the first 32 KiB of the file. It asks for no EFI boot services: then GRUB ends them
// itself and enters in the same 32-bit state as on a BIOS machine. The entry point is the ELF file's.
#include <multiboot2.h>

#include <cstdint>

namespace kernel {
namespace {

constexpr std::uint32_t requested[] = {MULTIBOOT_TAG_TYPE_CMDLINE, MULTIBOOT_TAG_TYPE_MMAP};
constexpr std::uint32_t wanted[] = {MULTIBOOT_TAG_TYPE_MODULE, MULTIBOOT_TAG_TYPE_ACPI_OLD,
                                    MULTIBOOT_TAG_TYPE_ACPI_NEW};

template <unsigned Count>
struct alignas(MULTIBOOT_TAG_ALIGN) Request {
  std::uint16_t type = MULTIBOOT_HEADER_TAG_INFORMATION_REQUEST;
  std::uint16_t flags;
  std::uint32_t size = 8 + 4 * Count;
  std::uint32_t tags[Count];
};

struct Header {
  multiboot_header start;
  Request<2> required;
  Request<3> optional;
  alignas(MULTIBOOT_TAG_ALIGN) multiboot_header_tag end;
};

}  // namespace

extern "C" {
extern const Header multiboot2_header;
[[gnu::section(".multiboot2"), gnu::used]] alignas(MULTIBOOT_HEADER_ALIGN) const Header multiboot2_header = {
    .start = {MULTIBOOT2_HEADER_MAGIC, MULTIBOOT2_ARCHITECTURE_I386, sizeof(Header),
              0u - (MULTIBOOT2_HEADER_MAGIC + MULTIBOOT2_ARCHITECTURE_I386 +
                    static_cast<std::uint32_t>(sizeof(Header)))},
    .required = {.flags = 0, .tags = {requested[0], requested[1]}},
    .optional = {.flags = MULTIBOOT_HEADER_TAG_OPTIONAL, .tags = {wanted[0], wanted[1], wanted[2]}},
    .end = {MULTIBOOT_HEADER_TAG_END, 0, sizeof(multiboot_header_tag)},
};
}

}  // namespace kernel
