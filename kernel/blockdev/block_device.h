// SPDX-License-Identifier: Apache-2.0
// A block device, independent of its kind: requests are submitted and complete later, in any order, several at once.
// A write is durable once a flush submitted after its completion has completed (at once, if there is no write cache).
// Locking as in polled_device.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/device/polled_device.h"

namespace blockdev {

inline constexpr std::uint64_t sector_bytes = 512;  // the unit of addresses on every device, whatever its block size
inline constexpr std::size_t max_request_segments = 126;
inline constexpr std::uint64_t max_request_bytes = std::uint64_t{1} << 30;

enum class Operation : std::uint8_t { Read, Write, Flush, Discard };

// Owned by the caller; it and the memory it names belong to the device from a successful submit() to completed().
// Memory is in physically contiguous pieces of kernel memory. Addresses and lengths are multiples of block_bytes().
struct Request {
  Operation operation = Operation::Read;
  std::uint64_t first_sector = 0;
  std::span<const std::span<std::byte>> read_into{};         // Read
  std::span<const std::span<const std::byte>> write_from{};  // Write
  std::uint64_t discard_sectors = 0;                         // Discard

  // Inside poll(), no lock held. The request may be submitted again or destroyed from here. Errors: IoError (the
  // device could not), NotSupported, NoDevice (the device failed; it has stopped touching the memory).
  virtual void completed(base::Result<> result) = 0;

 protected:
  ~Request() = default;
};

// Told, inside poll(), that submit() may succeed again after it returned Again.
class SubmitSpace {
 public:
  virtual void submit_space_available() = 0;

 protected:
  ~SubmitSpace() = default;
};

struct Geometry {
  std::uint64_t capacity_bytes = 0;
  std::uint32_t block_bytes = 512;                  // logical block: 512 or 4096; the unit of reads and writes
  std::size_t max_segments = max_request_segments;  // of a request
  bool read_only = false;
  bool write_cache = false;  // writes may sit in a volatile cache until a flush
  bool can_discard = false;
};

struct Counters {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t flushes = 0;
  std::uint64_t discards = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t failed_requests = 0;
  std::uint64_t queue_full = 0;     // submit() returned Again
  std::uint64_t device_errors = 0;  // the device broke its own rules
};

class BlockDevice : public device::PolledDevice {
 public:
  virtual Geometry geometry() const = 0;

  // Again: the queue is full, nothing was taken, and SubmitSpace will be called. Without taking the request:
  // OutOfRange (beyond the end), InvalidArgument (not in whole blocks, empty, over a maximum), ReadOnly,
  // NotSupported (discard), NoDevice. A flush succeeds on a device without a write cache too.
  virtual base::Result<> submit(Request& request) = 0;

  virtual void set_submit_space(SubmitSpace& space) = 0;
  virtual Counters counters() const = 0;
};

}  // namespace blockdev
