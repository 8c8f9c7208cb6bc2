// SPDX-License-Identifier: Apache-2.0
// Requests of 16 KiB in four pieces that lie in memory in another order than on the disk.
#include "tests/rack/drivers/disk_exercise.h"

#include <array>

#include "kernel/base/array.h"
#include "kernel/base/log.h"
#include "kernel/base/memory.h"
#include "tests/rack/drivers/test_protocol.h"

namespace drivers_test {

using base::Error;
using base::fail;
using base::log_info;
using base::Result;
using base::Task;
using blockdev::Operation;

namespace {

constexpr std::size_t piece_bytes = 4096;
constexpr std::size_t pieces = 4;
constexpr std::size_t request_bytes = pieces * piece_bytes;
constexpr std::size_t in_flight = 8;  // fit into a queue of 64 without tables
constexpr std::size_t burst = 400;    // more than any queue takes

class Io final : public blockdev::Request {
 public:
  explicit Io(base::EventLoop& loop) : done(loop) {}
  // `memory` has room for one request; piece i of the disk's bytes lies at its piece `pieces - 1 - i`.
  void prepare(Operation wanted, std::uint64_t offset, std::span<std::byte> memory) {
    operation = wanted;
    first_sector = offset / blockdev::sector_bytes;
    for (std::size_t i = 0; i < pieces; ++i) {
      into_[i] = memory.subspan((pieces - 1 - i) * piece_bytes, piece_bytes);
      from_[i] = into_[i];
    }
    read_into = into_;
    write_from = from_;
  }
  void completed(Result<> result) override { done.complete(result); }

  base::Completion<> done;

 private:
  std::array<std::span<std::byte>, pieces> into_{};
  std::array<std::span<const std::byte>, pieces> from_{};
};

Task<> run_one(blockdev::BlockDevice& disk, Io& io) {
  CO_TRY_VOID(disk.submit(io));
  co_return co_await io.done;
}

void fill(std::uint64_t offset, std::span<std::byte> memory) {
  for (std::size_t i = 0; i < request_bytes; ++i) {
    memory[(pieces - 1 - i / piece_bytes) * piece_bytes + i % piece_bytes] = std::byte{disk_byte(offset + i)};
  }
}

bool matches(std::uint64_t offset, std::span<const std::byte> memory) {
  for (std::size_t i = 0; i < request_bytes; ++i) {
    const std::size_t at = (pieces - 1 - i / piece_bytes) * piece_bytes + i % piece_bytes;
    if (memory[at] != std::byte{disk_byte(offset + i)}) return false;
  }
  return true;
}

// One pass over the test's part of the disk, in rounds of `in_flight` requests at once.
Task<> pass(base::EventLoop& loop, blockdev::BlockDevice& disk, std::span<std::byte> memory, Operation operation) {
  base::Array<base::Own<Io>> round;
  for (std::uint64_t offset = 0; offset < disk_bytes; offset += in_flight * request_bytes) {
    round.clear();
    for (std::size_t i = 0; i < in_flight; ++i) {
      const auto part = memory.subspan(i * request_bytes, request_bytes);
      if (operation == Operation::Write) fill(offset + i * request_bytes, part);
      CO_TRY(auto io, base::try_make<Io>(loop));
      io->prepare(operation, offset + i * request_bytes, part);
      CO_TRY_VOID(disk.submit(*io));
      CO_TRY_VOID(round.push_back(std::move(io)));
    }
    for (auto& io : round) {
      base::Completion<>& done = io->done;
      CO_TRY_VOID(co_await done);
    }
    if (operation != Operation::Read) continue;
    for (std::size_t i = 0; i < in_flight; ++i) {
      if (!matches(offset + i * request_bytes, memory.subspan(i * request_bytes, request_bytes))) {
        co_return fail(Error::IoError);
      }
    }
  }
  co_return Result<>{};
}

// Submits more reads than the queue takes; goes on whenever there is space.
class Burst final : public blockdev::SubmitSpace {
 public:
  Burst(base::EventLoop& loop, blockdev::BlockDevice& disk) : disk_(disk), finished_(loop) {}
  Result<> prepare(std::span<std::byte> memory) {
    for (std::size_t i = 0; i < burst; ++i) {
      auto one = TRY(base::try_make<One>(*this));
      one->piece = memory.subspan(i % (in_flight * pieces) * piece_bytes, piece_bytes);
      one->read_into = std::span(&one->piece, 1);
      one->first_sector = i % (in_flight * pieces) * (piece_bytes / blockdev::sector_bytes);
      TRY(requests_.push_back(std::move(one)));
    }
    disk_.set_submit_space(*this);
    return {};
  }
  void submit_space_available() override {
    while (submitted_ < burst) {
      const auto submitted = disk_.submit(*requests_[submitted_]);
      if (!submitted && submitted.error() == Error::Again) return;
      ++submitted_;
      if (!submitted) one_finished(submitted);
    }
  }
  base::Completion<>& finished() { return finished_; }

 private:
  struct One final : blockdev::Request {
    explicit One(Burst& whole) : owner(whole) {}
    void completed(Result<> result) override { owner.one_finished(result); }
    Burst& owner;
    std::span<std::byte> piece;
  };
  void one_finished(Result<> result) {
    if (!result) failed_ = result;
    if (++done_ == burst) finished_.complete(failed_);
  }
  blockdev::BlockDevice& disk_;
  base::Completion<> finished_;
  base::Array<base::Own<One>> requests_;
  std::size_t submitted_ = 0, done_ = 0;
  Result<> failed_;
};

Task<> run_burst(base::EventLoop& loop, blockdev::BlockDevice& disk, std::span<std::byte> memory) {
  CO_TRY(auto many, base::try_make<Burst>(loop, disk));
  CO_TRY_VOID(many->prepare(memory));
  many->submit_space_available();
  base::Completion<>& finished = many->finished();
  CO_TRY_VOID(co_await finished);
  many.release();  // the device may still tell of space: it stays
  co_return Result<>{};
}

Task<> write_and_flush(base::EventLoop& loop, blockdev::BlockDevice& disk, std::span<std::byte> memory) {
  CO_TRY_VOID(co_await pass(loop, disk, memory, Operation::Write));
  CO_TRY(auto flush, base::try_make<Io>(loop));
  flush->prepare(Operation::Flush, 0, memory);
  CO_TRY_VOID(co_await run_one(disk, *flush));
  co_return Result<>{};
}

Task<> refuse(base::EventLoop& loop, blockdev::BlockDevice& disk, std::span<std::byte> memory, unsigned number) {
  CO_TRY(auto io, base::try_make<Io>(loop));
  io->prepare(Operation::Read, disk.geometry().capacity_bytes, memory);
  const auto beyond = disk.submit(*io);
  log_info("test", "disk {}: read beyond the end: {}", number, beyond ? "taken" : base::error_name(beyond.error()));
  if (disk.geometry().read_only) {
    io->prepare(Operation::Write, 0, memory);
    const auto write = disk.submit(*io);
    log_info("test", "disk {}: write: {}", number, write ? "taken" : base::error_name(write.error()));
  }
  co_return Result<>{};
}

}  // namespace

Task<> exercise_disk(base::EventLoop& loop, blockdev::BlockDevice& disk, device::DmaMemory& memory, unsigned number) {
  const blockdev::Geometry geometry = disk.geometry();
  log_info("test", "disk {}: {} bytes, blocks of {}, {}, cache {}", number, geometry.capacity_bytes,
           geometry.block_bytes, geometry.read_only ? "read-only" : "writable", geometry.write_cache ? "on" : "off");
  CO_TRY(const auto buffer, memory.allocate(in_flight * request_bytes));
  CO_TRY_VOID(co_await refuse(loop, disk, buffer, number));
  if (!geometry.read_only) CO_TRY_VOID(co_await write_and_flush(loop, disk, buffer));
  CO_TRY_VOID(co_await pass(loop, disk, buffer, Operation::Read));
  CO_TRY_VOID(co_await run_burst(loop, disk, buffer));
  const blockdev::Counters counters = disk.counters();
  log_info("test", "disk {}: {} reads, {} writes, {} flushes, queue {}", number, counters.reads, counters.writes,
           counters.flushes, counters.queue_full > 0 ? "was full" : "was never full");
  co_return Result<>{};
}

}  // namespace drivers_test
