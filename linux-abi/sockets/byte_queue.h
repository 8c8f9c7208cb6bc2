// SPDX-License-Identifier: Apache-2.0
// Bytes in order, in pieces of half a page: however many there are, no large piece of memory is asked for, which there
// may be none of although there is much memory. What limits them is who puts them in. Pure, no lock.
#pragma once

#include <algorithm>
#include <array>
#include <boost/intrusive/slist.hpp>
#include <cstring>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/memory.h"

namespace linux_abi {

class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;
  ~ByteQueue() { clear(); }

  std::size_t size() const { return used_; }
  bool empty() const { return used_ == 0; }

  // Afterwards so many bytes can be put in. NoMemory: nothing has changed that anybody sees.
  base::Result<> make_room(std::size_t bytes) {
    while (room_ < bytes) {
      auto piece = base::make<Piece>();
      if (!piece) return base::fail(base::Error::NoMemory);
      pieces_.push_back(*piece.release());
      room_ += piece_bytes;
    }
    return {};
  }
  // NoMemory: nothing was put in.
  base::Result<> put(std::span<const std::byte> from) {
    TRY(make_room(from.size()));
    std::size_t at = start_ + used_;
    auto piece = pieces_.begin();
    for (; at >= piece_bytes && !from.empty(); at -= piece_bytes) ++piece;
    for (; !from.empty(); at = 0, ++piece) {
      const std::size_t count = std::min(from.size(), piece_bytes - at);
      std::memcpy(piece->bytes.data() + at, from.data(), count);
      from = from.subspan(count);
      used_ += count;
      room_ -= count;
    }
    return {};
  }
  // From `skip` bytes behind the first on.
  std::size_t peek(std::span<std::byte> to, std::size_t skip = 0) const {
    if (skip >= used_) return 0;
    const std::size_t count = std::min(to.size(), used_ - skip);
    std::size_t at = start_ + skip, done = 0;
    auto piece = pieces_.begin();
    for (; at >= piece_bytes; at -= piece_bytes) ++piece;
    for (; done < count; at = 0, ++piece) {
      const std::size_t part = std::min(count - done, piece_bytes - at);
      std::memcpy(to.data() + done, piece->bytes.data() + at, part);
      done += part;
    }
    return count;
  }
  std::size_t take(std::span<std::byte> to) {
    const std::size_t count = peek(to);
    used_ -= count;
    start_ += count;
    for (; start_ >= piece_bytes; start_ -= piece_bytes) pieces_.pop_front_and_dispose(free_piece);
    return count;
  }
  // The memory too.
  void clear() {
    pieces_.clear_and_dispose(free_piece);
    start_ = used_ = room_ = 0;
  }

 private:
  struct Piece;
  using Hook = boost::intrusive::slist_base_hook<>;
  static constexpr std::size_t piece_bytes = 2016 - sizeof(Hook);  // together a block of the kernel's heap
  struct Piece : Hook {
    Piece() {}  // the bytes are not cleared
    std::array<std::byte, piece_bytes> bytes;
  };
  static void free_piece(Piece* piece) { base::Own<Piece>(piece).reset(); }

  boost::intrusive::slist<Piece, boost::intrusive::cache_last<true>, boost::intrusive::constant_time_size<false>>
      pieces_;
  std::size_t start_ = 0;  // of the first byte in the first piece
  std::size_t used_ = 0;
  std::size_t room_ = 0;  // behind the last byte, in the pieces that there are
};

}  // namespace linux_abi
