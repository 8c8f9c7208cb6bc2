// SPDX-License-Identifier: Apache-2.0
// Replay: see recovery.h.
#include "storage/jbd2/recovery.h"

#include <algorithm>
#include <array>

#include "kernel/base/log.h"
#include "storage/jbd2/scan.h"

namespace jbd2 {

using base::Result;

namespace {

constexpr std::size_t batch_blocks = 32;

struct Entry {
  std::uint64_t block;
  LoggedAt at;
};

Result<base::Array<Entry>> in_order(const BlockTable<LoggedAt>& table) {
  base::Array<Entry> entries;
  TRY(entries.reserve(table.size()));
  table.for_each([&](std::uint64_t block, LoggedAt at) { (void)entries.push_back({block, at}); });  // there is room
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.block < b.block; });
  return entries;
}

Result<> copy_to_place(const LogFile& log, std::span<const Entry> entries, std::span<std::byte> buffer) {
  const std::size_t bytes = log.block_bytes();
  std::array<storage::ReadSegment, batch_blocks> reads;
  std::array<storage::WriteSegment, batch_blocks> writes;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::span<std::byte> memory = buffer.subspan(i * bytes, bytes);
    reads[i] = {log.offset_of(entries[i].at.index), memory};
    writes[i] = {entries[i].block * bytes, memory};
  }
  TRY(log.store().read({reads.data(), entries.size()}));
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].at.escaped) *reinterpret_cast<be32*>(buffer.data() + i * bytes) = magic;
  return log.store().write({writes.data(), entries.size()});
}

Result<> replay(const LogFile& log, std::span<const Entry> entries) {
  base::Array<std::byte> buffer;
  TRY(buffer.resize(batch_blocks * std::size_t{log.block_bytes()}));
  for (; !entries.empty(); entries = entries.subspan(std::min(batch_blocks, entries.size())))
    TRY(copy_to_place(log, entries.first(std::min(batch_blocks, entries.size())), buffer.span()));
  return log.store().flush();
}

}  // namespace

Result<Recovered> recover(LogFile& log, std::uint64_t disk_blocks) {
  if (log.super().start == 0) return Recovered{};
  Scan scan(log, disk_blocks);
  if (auto result = scan.run(); !result) {
    base::log_error("storage", "ext4: the journal cannot be replayed ({}); run e2fsck on the image", result.error());
    return base::fail(result.error());
  }
  const base::Array<Entry> entries = TRY(in_order(scan.blocks()));
  TRY(replay(log, entries.span()));
  // What is left of a transaction that was being written must not be taken for a part of the next one.
  log.super().start = 0;
  log.super().sequence = scan.next_sequence();
  TRY(log.write_super());
  TRY(log.store().flush());
  return Recovered{scan.transactions(), entries.size(), scan.revokes()};
}

}  // namespace jbd2
