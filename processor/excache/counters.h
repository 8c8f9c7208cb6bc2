// SPDX-License-Identifier: Apache-2.0
// What the ExCache counts, named as in `lego run --stats` (excache.*). Guarded by the ExCache's lock; read as a copy.
#pragma once

#include <cstdint>

namespace excache {

struct Counters {
  std::uint64_t lines = 0;
  std::uint64_t faults = 0;        // page faults of threads, once each however often they had to wait
  std::uint64_t zero_fills = 0;    // pages made without a message
  std::uint64_t remote_fills = 0;  // pages asked for on demand, one round trip each
  std::uint64_t joined_fills = 0;  // faults that waited for a fill another had begun
  std::uint64_t shared_hits = 0;   // faults that found the line present through its tag
  std::uint64_t prefetch_issued = 0;
  std::uint64_t prefetch_used = 0;
  std::uint64_t evictions = 0;
  std::uint64_t evictions_by_faulting_thread = 0;
  std::uint64_t waits_for_line = 0;
  std::uint64_t wait_ns = 0;      // of faults, for anything
  std::uint64_t write_backs = 0;  // messages
  std::uint64_t bytes_written_back = 0;
  std::uint64_t cow_faults = 0;
  std::uint64_t zero_fill_messages = 0;  // that threads sent on the way to a page of zeros, as net/rpc counts them
  // Not among --stats; for tests and logs.
  std::uint64_t rescues = 0;        // victims that were touched before they were gone
  std::uint64_t lost_pages = 0;     // dirty pages whose home died
  std::uint64_t lines_scanned = 0;  // by the clock that looks for victims
  std::uint64_t pin_breaks = 0;     // no line could be freed but by taking pins from waiting threads
};

}  // namespace excache
