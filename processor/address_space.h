// SPDX-License-Identifier: Apache-2.0
// An address space as the personality uses it: a copy of the VMAs that its home mComponent keeps, a page table, and the
// owners of its vRegions. Changing calls go to the home and sleep; they are serialised per space, and each either
// happens on all mComponents or not at all. Threads share a space by reference; the last reference gone, it is torn
// down in the background. Interrupted: the calling thread is being killed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/vma/vma_set.h"
#include "processor/reference.h"
#include "processor/shared_object.h"
#include "processor/sleeper.h"

namespace processor {

class AddressSpace;
template <>
struct ReferenceCount<AddressSpace> {
  static void take(AddressSpace& object);
  static void drop(AddressSpace& object);
};

struct MapRequest {
  base::UserVa address;     // a hint, or the place if fixed; page-aligned (a hint need not be)
  std::uint64_t bytes = 0;  // page-aligned
  vma::Placement placement = vma::Placement::Anywhere;
  vma::Protection protection = vma::Protection::None;
  vma::Flags flags = vma::Flags::None;
  bool reserve = true;              // false: MAP_NORESERVE
  SharedObject* object = nullptr;   // nullptr: anonymous and private
  std::uint64_t object_offset = 0;  // page-aligned
};

// What the personality needs to start a program that was loaded.
struct LoadedProgram {
  base::UserVa entry;            // the interpreter's, if there is one
  base::UserVa program_entry;    // AT_ENTRY
  base::UserVa program_headers;  // AT_PHDR
  std::uint32_t program_header_bytes = 0;
  std::uint32_t program_header_count = 0;
  base::UserVa interpreter_base;  // AT_BASE, 0 if there is none
  base::UserVa stack_top;
  std::uint64_t stack_bytes = 0;
  base::UserVa code_start, code_end;  // as far as the home tells them, else 0
  base::UserVa data_start, data_end;
  base::UserVa system_code;  // of Monitor::start_system_pages; 0: there are none
};

// Whether the VMA shows system pages: bytes of them from object_offset on, the data in the first page.
bool shows_system_pages(const vma::Vma& vma);

// A range that the new program expects cleared although its page holds bytes of the file: the personality clears it by
// ordinary stores (arch::clear_user) once the space is loaded on this thread.
struct ZeroRange {
  base::UserVa address;
  std::uint64_t bytes = 0;
};
inline constexpr std::size_t max_zero_ranges = 8;

enum class AccessKind : std::uint8_t { Read, Write, Execute };

// How a fault ended. Everything but Resolved and Killed is for the personality: a signal, or EFAULT.
enum class FaultEnd : std::uint8_t {
  Resolved,      // try again
  Killed,        // the thread is being killed
  NotMapped,     // SIGSEGV, SEGV_MAPERR
  NotPermitted,  // SIGSEGV, SEGV_ACCERR
  BeyondObject,  // SIGBUS, BUS_ADRERR
  Lost,          // SIGBUS: the mComponent that had the page is gone
  NoMemory,      // SIGKILL: no frame or page table can be had
};

// Memory in use, in pages.
struct SpaceUsage {
  std::uint64_t areas = 0;
  std::uint64_t mapped = 0;         // VmSize
  std::uint64_t resident = 0;       // mapped lines of the ExCache (VmRSS)
  std::uint64_t most_resident = 0;  // so many there were at once (VmHWM)
};

// An empty space at the family's home.
base::Result<Reference<AddressSpace>> create_space(Family& family, Sleeper& sleeper);

// Loads an ELF program into an empty space. Errors as messages::SpaceLoadRequest: NotExecutable, Malformed,
// NotSupported, NotFound (its interpreter). `random` 0: no randomised layout.
base::Result<LoadedProgram> load_program(AddressSpace& space, SharedObject& file, std::uint64_t stack_bytes,
                                         std::uint64_t random, std::span<ZeroRange, max_zero_ranges> zero_ranges,
                                         std::size_t& zero_count, Sleeper& sleeper);

base::Result<Reference<AddressSpace>> fork_space(AddressSpace& parent, Sleeper& sleeper);

base::Result<base::UserVa> map(AddressSpace& space, const MapRequest& request, Sleeper& sleeper);
base::Result<> unmap(AddressSpace& space, vma::Range range, Sleeper& sleeper);
base::Result<> protect(AddressSpace& space, vma::Range range, vma::Protection protection, Sleeper& sleeper);
// What of the range is mapped, from its start up to the first hole.
vma::Range covered_part(AddressSpace& space, vma::Range range);
base::Result<base::UserVa> remap(AddressSpace& space, vma::Range old_range, base::UserVa new_address,
                                 std::uint64_t new_bytes, vma::RemapMode mode, Sleeper& sleeper);
// The break afterwards, unchanged if it could not be moved; address 0 asks.
base::Result<base::UserVa> set_break(AddressSpace& space, base::UserVa address, Sleeper& sleeper);
// MADV_DONTNEED: private pages are forgotten, shared ones only unmapped. NoMemory when the range has holes (what is
// mapped was discarded all the same).
base::Result<> discard(AddressSpace& space, vma::Range range, Sleeper& sleeper);

// Sets and clears vma::local_flags of what of the range is mapped. NoMemory: too many VMAs.
base::Result<> mark(AddressSpace& space, vma::Range range, vma::Flags set, vma::Flags cleared, Sleeper& sleeper);

// msync(MS_SYNC): what was stored through this shared mapping of a file is on the disk (flush, then FileSync).
base::Result<> synchronize_mapping(AddressSpace& space, const vma::Vma& area, Sleeper& sleeper);

// mincore: one byte per page, 1 if its line is here. NoMemory when the range has holes.
base::Result<> resident(AddressSpace& space, vma::Range range, std::span<std::uint8_t> pages);
SpaceUsage usage(AddressSpace& space);
// Every core that runs a thread of it passes a full barrier, and serialises what it fetches.
void synchronize_cores(AddressSpace& space);
base::UserVa break_start(AddressSpace& space);
// Copies VMAs from the first that ends above `from`, in rising order; returns how many. For /proc/self/maps and checks.
std::size_t list_vmas(AddressSpace& space, base::UserVa from, std::span<vma::Vma> to);
// Whether the object behind the VMA is a file; else it is a shared segment.
bool maps_file(AddressSpace& space, const vma::Vma& area);
// Whether the space has pages of its own in the range: of anonymous memory, or copies of a file's.
bool has_private_pages(AddressSpace& space, vma::Range range);
// The first page of the range that was ever touched and not forgotten since.
std::optional<base::UserVa> first_touched(AddressSpace& space, vma::Range range);
// The VMA at the address; NotFound.
base::Result<vma::Vma> vma_at(AddressSpace& space, base::UserVa address);
// RLIMIT_STACK, for growing stacks (32 MiB to begin with... the personality sets it at exec).
void set_stack_limit(AddressSpace& space, std::uint64_t bytes);

// A futex in shared memory is named by its object, a private one by its space: (id, byte offset).
struct MemoryIdentity {
  std::uint64_t id = 0;
  std::uint64_t offset = 0;
  bool operator==(const MemoryIdentity&) const = default;
};
// BadAddress if nothing is mapped there.
base::Result<MemoryIdentity> identity_of(AddressSpace& space, base::UserVa address);

}  // namespace processor
