// SPDX-License-Identifier: Apache-2.0
// What threads of simulated programs do to their address spaces: see process.h.
#include "tests/sim/process.h"
#include "tests/sim/report.h"

namespace sim {

using base::Error;
using processor::ThreadSleeper;
using threads::Interruptible;

namespace {
using Number = unsigned long long;
constexpr vma::Protection rights_of(bool writable) {
  return writable ? vma::Protection::Read | vma::Protection::Write : vma::Protection::Read;
}
}  // namespace

void Thread::begin_change(std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t page = first; page < first + count; ++page) ++process().changes_[page];
}

bool Thread::done(Error error, const char* what) {
  if (error == Error::None) return true;
  if (error == Error::Interrupted && kernel_thread().killed()) {
    stopped_ = true;
    return false;
  }
  fail(std::string(what) + " failed: " + std::string(base::error_name(error)));
}

bool Thread::map(std::uint64_t first, std::uint64_t count, Mapping mapping) {
  trace("%u maps %llx +%llu%s%s", process().number, Number{first}, Number{count},
        mapping.object == nullptr ? ""
        : mapping.object->is_file ? " of a file"
                                  : " of a segment",
        mapping.shared ? ", shared" : "");
  begin_change(first, count);
  ThreadSleeper sleeper(Interruptible::KillOnly);
  const auto mapped = processor::map(space(),
                                     {.address = address_of(first),
                                      .bytes = count * base::page_bytes,
                                      .placement = vma::Placement::Fixed,
                                      .protection = rights_of(mapping.writable),
                                      .flags = mapping.shared ? vma::Flags::Shared : vma::Flags::None,
                                      .object = mapping.object == nullptr ? nullptr : mapping.object->object.get(),
                                      .object_offset = mapping.object_page * base::page_bytes},
                                     sleeper);
  const bool ok = done(error_of(mapped), "map");
  if (ok) process().model.map(first, count, mapping);
  end_change(first, count);
  ++program().changes;
  return ok;
}

bool Thread::unmap(std::uint64_t first, std::uint64_t count) {
  trace("%u unmaps %llx +%llu", process().number, Number{first}, Number{count});
  begin_change(first, count);
  ThreadSleeper sleeper(Interruptible::KillOnly);
  const bool ok = done(error_of(processor::unmap(space(), range_of(first, count), sleeper)), "unmap");
  if (ok) process().model.unmap(first, count);
  end_change(first, count);
  ++program().changes;
  return ok;
}

bool Thread::discard(std::uint64_t first, std::uint64_t count) {
  trace("%u discards %llx +%llu", process().number, Number{first}, Number{count});
  begin_change(first, count);
  const bool covered = process().model.covers(first, count);
  ThreadSleeper sleeper(Interruptible::KillOnly);
  const auto discarded = processor::discard(space(), range_of(first, count), sleeper);
  const bool has_hole = !discarded && discarded.error() == Error::NoMemory && !covered;
  const bool ok = has_hole || done(error_of(discarded), "discard");
  if (ok) process().model.discard(first, count);
  end_change(first, count);
  ++program().changes;
  return ok;
}

bool Thread::protect(std::uint64_t first, std::uint64_t count, bool writable) {
  if (!process().model.covers(first, count)) return false;
  trace("%u makes %llx +%llu %s", process().number, Number{first}, Number{count}, writable ? "writable" : "read-only");
  begin_change(first, count);
  ThreadSleeper sleeper(Interruptible::KillOnly);
  const auto changed = processor::protect(space(), range_of(first, count), rights_of(writable), sleeper);
  const bool ok = done(error_of(changed), "protect");
  if (ok) process().model.protect(first, count, writable);
  end_change(first, count);
  ++program().changes;
  return ok;
}

bool Thread::remap(std::uint64_t from, std::uint64_t count, std::uint64_t to, std::uint64_t new_count, bool keep_old) {
  if (!process().model.covers(from, count)) return false;
  trace("%u moves %llx +%llu to %llx +%llu%s", process().number, Number{from}, Number{count}, Number{to},
        Number{new_count}, keep_old ? ", keeping the place" : "");
  begin_change(from, count);
  begin_change(to, new_count);
  ThreadSleeper sleeper(Interruptible::KillOnly);
  const auto moved = processor::remap(space(), range_of(from, count), address_of(to), new_count * base::page_bytes,
                                      {.may_move = from != to, .fixed = from != to, .keep_old = keep_old}, sleeper);
  // More than one VMA; pages of two owners; something in the way: Linux has other reasons, but refuses as well.
  const bool refused = !moved && (moved.error() == Error::BadAddress || moved.error() == Error::NoMemory ||
                                  moved.error() == Error::InvalidArgument);
  if (refused) trace("   refused: %s", std::string(base::error_name(moved.error())).c_str());
  const bool ok = !refused && done(error_of(moved), "remap");
  if (ok) process().model.move(from, count, to, new_count, keep_old);
  end_change(from, count);
  end_change(to, new_count);
  ++program().changes;
  return ok;
}

bool Thread::fork(Body body) {
  trace("%u forks", process().number);
  std::vector<Process::Store> stores;
  process().stores_while_forking_ = &stores;
  SpaceModel before = process().model;
  ThreadSleeper sleeper(Interruptible::KillOnly);
  auto forked = processor::fork_space(space(), sleeper);
  process().stores_while_forking_ = nullptr;
  if (!done(error_of(forked), "fork")) return false;
  auto* child = new Process(program(), processor::Reference<processor::Family>(process().family()), std::move(*forked));
  child->model = std::move(before);
  for (const Process::Store& store : stores) child->model.may_also_be(store.page, store.word, store.value);
  trace("   %u is the child", child->number);
  start(*child, std::move(body));
  return true;
}

}  // namespace sim
