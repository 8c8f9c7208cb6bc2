// SPDX-License-Identifier: Apache-2.0
// Address spaces, shared objects and pages: what a pComponent asks of mComponents. A process's home mComponent is the
// authority for its VMAs; the owner of a vRegion (home or another mComponent) holds the pages in it. The pComponent
// applies to its copy of the VMAs what each reply confirms (kernel/vma is the code that both run), sends page requests
// to the owner, and tells every owner but the home about unmapped, discarded and forked ranges itself.
#pragma once

#include "net/messages/managers.h"

namespace messages {

// As PROT_*: bit 0 read, 1 write, 2 execute.
inline constexpr std::uint32_t protection_mask = 7;

enum class MapFlags : std::uint32_t {
  Fixed = 1,  // replace what is there
  FixedNoReplace = 2,
  Shared = 4,     // else private
  GrowsDown = 8,  // a stack
  NoReserve = 16,
  Low32Bit = 32,  // MAP_32BIT
  NoWrite = 64,   // a shared mapping of a file that was opened for reading: never writable
};

struct SpaceCreateReply {
  le64 space;
};
struct SpaceCreateRequest {
  static constexpr Operation operation = Operation::SpaceCreate;
  using Reply = SpaceCreateReply;
  le64 reserved;
  bool validate() const { return reserved == 0; }
};

// At the home: child 0, it is given in the reply. At the other owners: child is the one that the home gave.
struct SpaceForkReply {
  le64 child;
};
struct SpaceForkRequest {
  static constexpr Operation operation = Operation::SpaceFork;
  using Reply = SpaceForkReply;
  le64 parent;
  le64 child;
  bool validate() const { return parent != 0 && parent != child; }
};

struct SpaceDestroyRequest {  // at every owner; frees what no other space shares
  static constexpr Operation operation = Operation::SpaceDestroy;
  using Reply = EmptyReply;
  le64 space;
  bool validate() const { return space != 0; }
};

struct SpaceMapReply {  // tail: VRegionOwner[owner_count], of vRegions that the range is in
  le64 address;
  le64 version;  // of the space's VMAs
  le32 owner_count;
  le32 reserved;
};
struct SpaceMapRequest {
  static constexpr Operation operation = Operation::SpaceMap;
  using Reply = SpaceMapReply;
  le64 space;
  le64 address;  // a hint, or the place if Fixed
  le64 bytes;
  le64 object;         // 0: anonymous private
  le64 object_offset;  // bytes, page-aligned
  le32 protection;
  le32 flags;
  bool validate() const {
    return space != 0 && page_aligned(address) && page_aligned(bytes) && bytes > 0 && page_aligned(object_offset) &&
           protection <= protection_mask && flags < 128 && user_range(address, bytes) &&
           object_offset + bytes >= object_offset;
  }
};
static_assert(sizeof(SpaceMapRequest) == 48 && sizeof(SpaceMapReply) == 24);

struct SpaceVersionReply {
  le64 version;
};
struct SpaceUnmapRequest {
  static constexpr Operation operation = Operation::SpaceUnmap;
  using Reply = SpaceVersionReply;
  le64 space;
  le64 address;
  le64 bytes;
  bool validate() const {
    return space != 0 && page_aligned(address) && page_aligned(bytes) && bytes > 0 && user_range(address, bytes);
  }
};
struct SpaceProtectRequest {  // reply as SpaceMap: what becomes accessible gets owners
  static constexpr Operation operation = Operation::SpaceProtect;
  using Reply = SpaceMapReply;
  le64 space;
  le64 address;
  le64 bytes;
  le32 protection;
  le32 reserved;
  bool validate() const {
    return space != 0 && reserved == 0 && page_aligned(address) && page_aligned(bytes) && bytes > 0 &&
           user_range(address, bytes) && protection <= protection_mask;
  }
};

enum class RemapFlags : std::uint32_t { MayMove = 1, Fixed = 2, DontUnmap = 4 };  // as MREMAP_*
struct SpaceRemapRequest {  // reply as SpaceMap; pages that both old and new place have go along
  static constexpr Operation operation = Operation::SpaceRemap;
  using Reply = SpaceMapReply;
  le64 space;
  le64 old_address;
  le64 old_bytes;
  le64 new_address;  // with Fixed
  le64 new_bytes;
  le32 flags;
  le32 reserved;
  bool validate() const {
    return space != 0 && reserved == 0 && flags < 8 && page_aligned(old_address) && page_aligned(old_bytes) &&
           page_aligned(new_address) && page_aligned(new_bytes) && new_bytes > 0 &&
           user_range(old_address, old_bytes) && user_range(new_address, new_bytes);
  }
};

struct SpaceBreakRequest {  // brk; reply as SpaceMap: address is the break now, unchanged if it could not be moved
  static constexpr Operation operation = Operation::SpaceBreak;
  using Reply = SpaceMapReply;
  le64 space;
  le64 address;  // 0 asks
  bool validate() const { return space != 0; }
};

struct SpaceDiscardRequest {  // MADV_DONTNEED on private anonymous ranges, at each owner
  static constexpr Operation operation = Operation::SpaceDiscard;
  using Reply = EmptyReply;
  le64 space;
  le64 address;
  le64 bytes;
  bool validate() const {
    return space != 0 && page_aligned(address) && page_aligned(bytes) && user_range(address, bytes);
  }
};

// Moves the pages of a range between owners or places after SpaceRemap, when the owner is not the home.
struct SpacePageMoveRequest {
  static constexpr Operation operation = Operation::SpacePageMove;
  using Reply = EmptyReply;
  le64 space;
  le64 from_address;
  le64 to_address;
  le64 bytes;
  bool validate() const {
    return space != 0 && page_aligned(from_address) && page_aligned(to_address) && page_aligned(bytes) &&
           user_range(from_address, bytes) && user_range(to_address, bytes);
  }
};

// Changes that the pComponent has made to its copy already, because nothing can be wrong with them: one after the
// other, none waits for managers. The reply says how many were done, one at least; for want of memory that may be
// fewer.
enum class ChangeKind : std::uint32_t {
  Map = 1,  // at that address; what is there is replaced
  Unmap = 2,
  Protect = 3,
  Break = 4,  // brk(address)
};
inline constexpr std::uint32_t max_space_changes = 32;
struct SpaceChange {
  le64 address;
  le64 bytes;
  le32 kind;
  le32 protection;
  bool validate() const {
    switch (static_cast<ChangeKind>(kind.get())) {
      case ChangeKind::Map:
      case ChangeKind::Unmap:
      case ChangeKind::Protect:
        return page_aligned(address) && page_aligned(bytes) && bytes > 0 && user_range(address, bytes) &&
               protection <= protection_mask;
      case ChangeKind::Break:
        return true;
    }
    return false;
  }
};
struct SpaceChangesReply {
  le64 version;  // of the space's VMAs
  le32 done;
  le32 reserved;
};
struct SpaceChangesRequest {  // tail: SpaceChange[count]
  static constexpr Operation operation = Operation::SpaceChanges;
  using Reply = SpaceChangesReply;
  le64 space;
  le32 count;
  le32 reserved;
  bool validate() const { return space != 0 && count >= 1 && count <= max_space_changes && reserved == 0; }
};
static_assert(sizeof(SpaceChange) == 24 && sizeof(SpaceChangesRequest) == 16);

// One VMA, as sent to a pComponent.
struct VmaEntry {
  le64 start;
  le64 end;
  le64 object;
  le64 object_offset;
  le32 protection;
  le32 flags;  // MapFlags: Shared, GrowsDown, NoWrite
};
static_assert(sizeof(VmaEntry) == 40 && Body<VmaEntry>);

// The object behind the system pages of a program's space: no mComponent holds it, each pComponent has its own pages of
// it (a clock that programs read without a call, and the code that reads it).
inline constexpr std::uint64_t system_pages_object = ~std::uint64_t{0};
inline constexpr std::uint32_t max_system_pages = 64;

// Loads an ELF program (and its interpreter, where it names one) into an empty space, or says NotExecutable,
// Malformed (damaged), NotSupported (another machine), NotFound (the interpreter). `#!` is the pComponent's business.
// The bytes in zero ranges are to be cleared by the pComponent through ordinary stores (the end of a file-backed data
// segment). The stack is a GrowsDown VMA of stack_bytes ending at stack_top, empty.
struct SpaceLoadReply {       // tail: VmaEntry[vma_count], ZeroRange[zero_count], VRegionOwner[owner_count]
  le64 entry;                 // where to start: the interpreter's entry if there is one
  le64 program_entry;         // AT_ENTRY
  le64 program_headers;       // AT_PHDR
  le32 program_header_bytes;  // AT_PHENT
  le32 program_header_count;  // AT_PHNUM
  le64 interpreter_base;      // AT_BASE, 0 if there is none
  le64 break_start;
  le64 placement_top;  // mappings of no fixed address are placed below it
  le64 stack_top;
  le64 stack_bytes;
  le64 code_start;
  le64 code_end;
  le64 data_start;
  le64 data_end;
  le64 version;
  le32 vma_count;
  le32 zero_count;
  le32 owner_count;
  le32 executable_stack;  // PT_GNU_STACK says so
};
struct ZeroRange {
  le64 address;
  le64 bytes;
};
struct SpaceLoadRequest {
  static constexpr Operation operation = Operation::SpaceLoad;
  using Reply = SpaceLoadReply;
  le64 space;
  le64 file;         // ObjectId
  le64 stack_bytes;  // RLIMIT_STACK
  le64 random;       // seed of the layout; 0: no randomisation
  // Pages of system_pages_object to be mapped too: the first for reading only, those after them with code.
  le32 system_data_pages;
  le32 system_code_pages;
  bool validate() const {
    return space != 0 && file != 0 && system_data_pages <= max_system_pages && system_code_pages <= max_system_pages;
  }
};
static_assert(sizeof(SpaceLoadRequest) == 40 && sizeof(SpaceLoadReply) == 128);

// A shared anonymous object (MAP_SHARED | MAP_ANONYMOUS, shared segments). Released when its creator has released it
// and no VMA maps it.
struct ObjectCreateReply {
  le64 object;
};
struct ObjectCreateRequest {
  static constexpr Operation operation = Operation::ObjectCreate;
  using Reply = ObjectCreateReply;
  le64 bytes;
  bool validate() const { return bytes > 0; }
};
struct ObjectReleaseRequest {
  static constexpr Operation operation = Operation::ObjectRelease;
  using Reply = EmptyReply;
  le64 object;
  bool validate() const { return object != 0; }
};

// Names the content of a page: a space and a virtual page, or an object and a page of it. Ids of spaces and objects
// are drawn from one sequence, so they never collide.
struct PageTag {
  le64 id;
  le64 page;  // virtual address, or offset, / 4096
};
static_assert(sizeof(PageTag) == 16);

// The reply is one RDMA WRITE with immediate of 4096 bytes into the requester's line (bulk), and nothing else.
// NotFound: the home has no content for this page.
struct PageFetchRequest {
  static constexpr Operation operation = Operation::PageFetch;
  using Reply = EmptyReply;
  PageTag tag;
  le32 prefetch;  // 1: may be refused with Again when the server is busy
  le32 reserved;
  bool validate() const { return tag.id != 0 && prefetch <= 1 && reserved == 0; }
};
static_assert(sizeof(PageFetchRequest) == 24);

// Pages to keep. Tail: for each of page_count pages a WriteBackEntry followed by its PageTag[tag_count]; then, after
// all entries, page_count * 4096 bytes. All tags of an entry are the ones that share the page: if they are all that
// share the frame it is overwritten, otherwise they get a new frame together. Acknowledged pages are the home's.
inline constexpr std::uint32_t max_write_back_pages = 8;
inline constexpr std::uint32_t max_write_back_tags = 256;  // in one message
struct WriteBackEntry {
  le32 tag_count;
  le32 reserved;
  le64 object_bytes;  // files: the size of the file that the pComponent knows; else 0
};
struct PageWriteBackRequest {
  static constexpr Operation operation = Operation::PageWriteBack;
  using Reply = EmptyReply;
  le32 page_count;
  le32 tag_count;  // of all entries
  bool validate() const {
    return page_count >= 1 && page_count <= max_write_back_pages && tag_count >= page_count &&
           tag_count <= max_write_back_tags;
  }
};
static_assert(sizeof(WriteBackEntry) == 16 && sizeof(PageWriteBackRequest) == 8);

// Below the reserve mark a pComponent asks before each zero-fill or copy; above it nobody sends this.
struct FrameReserveRequest {
  static constexpr Operation operation = Operation::FrameReserve;
  using Reply = EmptyReply;
  le64 space;
  le64 frames;
  bool validate() const { return space != 0 && frames > 0; }
};
struct MemoryPressureRequest {  // one way, m -> p
  static constexpr Operation operation = Operation::MemoryPressure;
  using Reply = EmptyReply;
  le32 low;  // 1: ask before zero-fills
  le32 reserved;
  bool validate() const { return low <= 1 && reserved == 0; }
};

}  // namespace messages
