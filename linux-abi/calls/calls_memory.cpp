// SPDX-License-Identifier: Apache-2.0
// Calls about memory: see calls_memory.h.
#include "linux-abi/calls/calls_memory.h"

#include <linux/mman.h>

#include "arch/x86_64/user_copy.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/note_mapped.h"
#include "processor/address_space.h"
#include "processor/shared_object.h"

namespace linux_abi::calls {

using base::page_bytes;
using base::UserVa;

namespace {

constexpr std::uint64_t protection_bits = PROT_READ | PROT_WRITE | PROT_EXEC;

bool is_aligned(std::uint64_t address) { return address % page_bytes == 0; }

// [address, address + length rounded up): EINVAL unless page-aligned, `beyond` if it leaves the user's half.
Answer<vma::Range> page_range(std::uint64_t address, std::uint64_t length, int beyond) {
  if (!is_aligned(address)) return error(EINVAL);
  if (length > arch::user_space_end) return error(beyond);
  const std::uint64_t bytes = base::round_up(length, page_bytes);
  if (!arch::is_user_range(UserVa(address), bytes)) return error(beyond);
  return vma::Range::of(UserVa(address), bytes);
}

vma::Placement placement(std::uint64_t flags) {
  if ((flags & MAP_FIXED_NOREPLACE) != 0) return vma::Placement::FixedNoReplace;
  if ((flags & MAP_FIXED) != 0) return vma::Placement::Fixed;
  return (flags & 0x40) != 0 ? vma::Placement::Low32Bit : vma::Placement::Anywhere;  // MAP_32BIT
}

// personality(2)'s READ_IMPLIES_EXEC.
std::uint64_t implied_by(Call& call, std::uint64_t protection) {
  const bool implies = (protection & PROT_READ) != 0 && call.process().persona.has(persona::read_implies_execute);
  return implies ? protection | PROT_EXEC : protection;
}

bool is_without_execution(const OpenFileReference& file) {
  const Mount* mount = !file || file->place() == nullptr ? nullptr : file->place()->mount();
  return mount != nullptr && mount->has(mount_flag::no_execution);
}

struct Backing {
  processor::Reference<processor::SharedObject> object;
  bool forbid_write = false;
};

Answer<Backing> backing_of(Call& call, const OpenFileReference& file, std::uint64_t protection, bool shared,
                           std::uint64_t bytes) {
  Backing backing;
  if (file && !file->readable()) return error(EACCES);
  if (file && shared && (protection & PROT_WRITE) != 0 && !file->writable()) return error(EACCES);
  if (!file || file->maps_as_anonymous()) {
    if (shared) backing.object = TRY(processor::create_segment(call.process().family(), bytes, call.thread.sleeper()));
    backing.forbid_write = file && shared && !file->writable();
    return backing;
  }
  if (shared && (protection & PROT_WRITE) != 0 && file->write_sealed()) return error(EPERM);
  if ((protection & PROT_EXEC) != 0 && is_without_execution(file)) return error(EPERM);
  backing.object = TRY(file->mappable(call.thread));
  backing.forbid_write = shared && (!file->writable() || file->write_sealed());
  return backing;
}

// RLIMIT_AS: so many bytes more. ENOMEM.
Answer<> check_growth(Call& call, std::uint64_t bytes) {
  const std::uint64_t most = call.thread.limit(static_cast<int>(Resource::AddressSpace));
  if (most == unlimited) return {};
  const std::uint64_t mapped = processor::usage(call.process().space()).mapped * page_bytes;
  return mapped + bytes > most ? error(ENOMEM) : Answer<>();
}

// vm.max_map_count, where it is lower than what a space can have in any case. ENOMEM.
Answer<> check_count(Call& call) {
  const std::uint32_t most = call.process().vnode().most_mappings.load(std::memory_order_relaxed);
  if (most >= vma::max_vmas) return {};
  return processor::usage(call.process().space()).areas > most ? error(ENOMEM) : Answer<>();
}

}  // namespace

constexpr std::uint64_t droppable_mapping = 8;  // MAP_DROPPABLE, newer than the headers

// All but MAP_SYNC, which only persistent memory has.
constexpr std::uint64_t known_map_flags = MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE |
                                          MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |
                                          MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_FIXED_NOREPLACE |
                                          std::uint64_t{MAP_HUGE_MASK} << MAP_HUGE_SHIFT;

namespace {

// There are no huge pages: none are free of any size that processors have.
int huge_page_error(std::uint64_t flags, const OpenFileReference& file) {
  const std::uint64_t shift = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
  const bool is_size = shift == 0 || shift == 21 || shift == 30;
  return file || !is_size ? EINVAL : ENOMEM;
}

// What a mapping is: file, shared or not. EINVAL, EOPNOTSUPP.
Answer<vma::Flags> type_of(std::uint64_t flags, bool of_file) {
  switch (flags & MAP_TYPE) {
    case MAP_PRIVATE:
      return vma::Flags::None;
    case MAP_SHARED:
      return vma::Flags::Shared;
    case MAP_SHARED_VALIDATE:
      if (!of_file) return error(EINVAL);
      if ((flags & ~known_map_flags) != 0) return error(EOPNOTSUPP);
      return vma::Flags::Shared;
    case droppable_mapping:
      if (of_file) return error(EINVAL);
      return vma::Flags::Droppable | vma::Flags::WipedByFork | vma::Flags::NotDumped;
    default:
      return error(EINVAL);
  }
}

}  // namespace

Answer<std::uint64_t> mmap(Call& call) {
  const std::uint64_t address = call.a(), length = call.b(), flags = call.d(), offset = call.f();
  // In Linux's order, which programs see when several things are wrong.
  if (!is_aligned(offset)) return error(EINVAL);
  OpenFileReference file;
  if ((flags & MAP_ANONYMOUS) == 0) file = TRY(real_file(call, call.e()));
  if (length == 0) return error(EINVAL);
  if (length > arch::user_space_end) return error(ENOMEM);
  const bool no_execution = is_without_execution(file);
  const std::uint64_t protection = no_execution ? call.c() : implied_by(call, call.c());
  if ((flags & MAP_HUGETLB) != 0) return error(huge_page_error(flags, file));
  const std::uint64_t bytes = base::round_up(length, page_bytes);
  if (offset + bytes < offset) return error(EOVERFLOW);
  const bool fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  if (fixed && !arch::is_user_range(UserVa(address), bytes)) return error(ENOMEM);
  if (fixed && !is_aligned(address)) return error(EINVAL);
  const vma::Flags type = TRY(type_of(flags, (flags & MAP_ANONYMOUS) == 0));
  const bool shared = vma::has(type, vma::Flags::Shared);
  const Backing backing = TRY(backing_of(call, file, protection, shared, bytes));
  const bool anonymous = !file || file->maps_as_anonymous();
  processor::MapRequest request;
  // A place that cannot be is no wish at all.
  if (fixed || arch::is_user_range(UserVa(address), bytes))
    request.address = UserVa(base::round_down(address, page_bytes));
  request.bytes = bytes;
  request.placement = placement(flags);
  request.protection = static_cast<vma::Protection>(protection & protection_bits);
  request.flags = type;
  if ((flags & MAP_GROWSDOWN) != 0) request.flags = request.flags | vma::Flags::GrowsDown;
  if (backing.forbid_write) request.flags = request.flags | vma::Flags::NoWrite;
  if (no_execution) request.flags = request.flags | vma::Flags::NoExecute;
  request.reserve = (flags & MAP_NORESERVE) == 0 && !vma::has(type, vma::Flags::Droppable);
  request.object = backing.object.get();
  request.object_offset = anonymous ? 0 : offset;
  const bool locked = (flags & MAP_LOCKED) != 0;
  TRY(check_locked_mapping(call, bytes, locked));
  TRY(check_count(call));
  TRY(check_growth(call, bytes));
  const UserVa mapped = TRY(processor::map(call.process().space(), request, call.thread.sleeper()));
  const vma::Range range = vma::Range::of(mapped, bytes);
  const bool populate = (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
  if (note_mapping(call, range, locked) || populate) populate_mapping(call, range);
  if (!anonymous) note_mapped(call.process().vnode().mapped_files, *file, *backing.object, call.thread);
  return mapped.value();
}

Answer<std::uint64_t> munmap(Call& call) {
  if (call.b() == 0) return error(EINVAL);
  const vma::Range range = TRY(page_range(call.a(), call.b(), EINVAL));
  TRY(processor::unmap(call.process().space(), range, call.thread.sleeper()));
  note_unmapping(call, range);
  return std::uint64_t{0};
}

namespace {

constexpr std::uint64_t grows = PROT_GROWSDOWN | PROT_GROWSUP;

// With PROT_GROWSDOWN all of the stack that the range begins in, down to its end; nothing grows up. ENOMEM, EINVAL.
Answer<vma::Range> range_with_growth(Call& call, vma::Range range, std::uint64_t protection) {
  if ((protection & grows) == 0) return range;
  vma::Vma first;
  const bool found = processor::list_vmas(call.process().space(), range.start, std::span(&first, 1)) != 0;
  if ((protection & PROT_GROWSUP) != 0) return error(found && first.range.start <= range.start ? EINVAL : ENOMEM);
  if (!found || first.range.start >= range.end) return error(ENOMEM);
  if (!first.grows_down()) return error(EINVAL);
  return vma::Range{first.range.start, range.end};
}

}  // namespace

Answer<std::uint64_t> mprotect(Call& call) {
  const std::uint64_t protection = call.c();
  // In Linux's order.
  if ((protection & grows) == grows) return error(EINVAL);
  const vma::Range given = TRY(page_range(call.a(), call.b(), ENOMEM));
  if (given.bytes() == 0) return std::uint64_t{0};
  if ((protection & ~(protection_bits | PROT_SEM | grows)) != 0) return error(EINVAL);
  const vma::Range range = TRY(range_with_growth(call, given, protection));
  // What lies before a hole is changed all the same.
  const vma::Range covered = processor::covered_part(call.process().space(), range);
  const auto change = [&](std::uint64_t to) {
    return processor::protect(call.process().space(), covered, static_cast<vma::Protection>(to & protection_bits),
                              call.thread.sleeper());
  };
  if (covered.bytes() != 0) {
    const std::uint64_t implied = implied_by(call, protection);
    auto changed = change(implied);
    // What may not be executed is not meant.
    if (!changed && changed.error() == base::Error::AccessDenied && implied != protection) changed = change(protection);
    TRY(std::move(changed));
  }
  if (covered.bytes() != range.bytes()) return error(ENOMEM);
  return std::uint64_t{0};
}

Answer<std::uint64_t> mremap(Call& call) {
  const std::uint64_t flags = call.d();
  if ((flags & ~std::uint64_t{MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP}) != 0) return error(EINVAL);
  vma::RemapMode mode;
  mode.may_move = (flags & MREMAP_MAYMOVE) != 0;
  mode.fixed = (flags & MREMAP_FIXED) != 0;
  mode.keep_old = (flags & MREMAP_DONTUNMAP) != 0;
  if ((mode.fixed || mode.keep_old) && !mode.may_move) return error(EINVAL);
  const vma::Range old_range = TRY(page_range(call.a(), call.b(), EINVAL));
  if (call.c() == 0 || call.c() > arch::user_space_end) return error(EINVAL);
  const std::uint64_t new_bytes = base::round_up(call.c(), page_bytes);
  if (mode.keep_old && old_range.bytes() != new_bytes) return error(EINVAL);
  UserVa target;
  if (mode.fixed) {
    const vma::Range new_range = TRY(page_range(call.e(), new_bytes, EINVAL));
    if (new_range.overlaps(old_range)) return error(EINVAL);
    target = new_range.start;
  }
  if (new_bytes > old_range.bytes()) TRY(check_growth(call, new_bytes - old_range.bytes()));
  return TRY(processor::remap(call.process().space(), old_range, target, new_bytes, mode, call.thread.sleeper()))
      .value();
}

namespace {

// With READ_IMPLIES_EXEC what the break adds is executable too.
Answer<std::uint64_t> executable_break(Call& call) {
  processor::AddressSpace& space = call.process().space();
  processor::Sleeper& sleeper = call.thread.sleeper();
  const UserVa before = TRY(processor::set_break(space, UserVa(0), sleeper));
  const UserVa after = TRY(processor::set_break(space, UserVa(call.a()), sleeper));
  const vma::Range added{UserVa(base::round_up(before.value(), page_bytes)),
                         UserVa(base::round_up(after.value(), page_bytes))};
  if (added.start >= added.end) return after.value();
  constexpr auto everything = static_cast<vma::Protection>(protection_bits);
  if (processor::protect(space, added, everything, sleeper)) return after.value();
  return TRY(processor::set_break(space, before, sleeper)).value();
}

}  // namespace

Answer<std::uint64_t> brk(Call& call) {
  processor::AddressSpace& space = call.process().space();
  const std::uint64_t most = call.thread.limit(static_cast<int>(Resource::Data));
  const bool bound = most != unlimited || call.thread.limit(static_cast<int>(Resource::AddressSpace)) != unlimited;
  if (bound && call.a() != 0) {
    // Beyond a limit the break stays where it is.
    const std::uint64_t now = TRY(processor::set_break(space, UserVa(0), call.thread.sleeper())).value();
    const bool grows = call.a() > now;
    if (grows && call.a() - processor::break_start(space).value() > most) return now;
    if (grows && !check_growth(call, call.a() - now)) return now;
  }
  if (call.process().persona.has(persona::read_implies_execute)) return executable_break(call);
  return TRY(processor::set_break(space, UserVa(call.a()), call.thread.sleeper())).value();
}

Answer<std::uint64_t> mincore(Call& call) {
  const vma::Range range = TRY(page_range(call.a(), call.b(), ENOMEM));
  std::array<std::uint8_t, 256> residency;
  for (std::uint64_t done = 0; done < range.pages();) {
    const std::uint64_t pages = std::min<std::uint64_t>(range.pages() - done, residency.size());
    const vma::Range part = vma::Range::of(range.start + done * page_bytes, pages * page_bytes);
    TRY(processor::resident(call.process().space(), part, std::span(residency).first(pages)));
    TRY(call.thread.copy_out(call.c() + done, std::as_bytes(std::span(residency).first(pages))));
    done += pages;
  }
  return std::uint64_t{0};
}

Answer<std::uint64_t> msync(Call& call) {
  const int flags = Call::as_int(call.c());
  if ((flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) != 0 || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
    return error(EINVAL);
  const vma::Range range = TRY(page_range(call.a(), call.b(), ENOMEM));
  bool hole = false;
  for (UserVa at = range.start; at < range.end;) {
    vma::Vma area;
    if (processor::list_vmas(call.process().space(), at, std::span(&area, 1)) == 0 || area.range.start >= range.end)
      return error(ENOMEM);
    hole = hole || area.range.start > at;
    const vma::Range part{std::max(at, area.range.start), std::min(area.range.end, range.end)};
    if ((flags & MS_INVALIDATE) != 0 && is_locked(call, part)) return error(EBUSY);
    if ((flags & MS_SYNC) != 0 && area.shared() && area.object)
      TRY(processor::synchronize_mapping(call.process().space(), area, call.thread.sleeper()));
    at = area.range.end;
  }
  return hole ? error(ENOMEM) : Answer<std::uint64_t>(0);
}

}  // namespace linux_abi::calls
