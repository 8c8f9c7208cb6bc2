// SPDX-License-Identifier: Apache-2.0
// process_vm_readv and process_vm_writev: copying between two processes' memory, in pieces through the kernel.
#include "arch/x86_64/user_copy.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/process/inspection.h"

namespace linux_abi::calls {

using base::UserVa;

namespace {

enum class Direction : std::uint8_t { FromOther, ToOther };
constexpr std::size_t piece_bytes = 4096;

// ESRCH; EPERM: another user's, or one that does not want to be looked at.
Answer<processor::Reference<processor::AddressSpace>> space_of(Call& call, int pid) {
  const base::SpinGuard guard(tasks_lock);
  auto space = TRY(find_inspectable_locked(call.thread, pid))->process().share_space();
  if (!space) return error(ESRCH);
  return space;
}

std::size_t move_piece(const processor::Reference<processor::AddressSpace>& other, Direction direction, UserVa here,
                       UserVa there, std::span<std::byte> piece) {
  if (direction == Direction::FromOther) {
    const std::size_t bytes = read_memory(other, there.value(), piece);
    return arch::copy_to_user_partial(here, piece.first(bytes));
  }
  const std::size_t bytes = arch::copy_from_user_partial(piece, here);
  return write_memory(other, there.value(), piece.first(bytes));
}

// Where a list of vectors has got to.
class Position {
 public:
  explicit Position(std::span<const UserVector> vectors) : vectors_(vectors) { skip_empty(); }
  bool at_end() const { return vectors_.empty(); }
  UserVa address() const { return UserVa(vectors_[0].address + done_); }
  std::uint64_t left() const { return vectors_[0].bytes - done_; }
  void advance(std::uint64_t bytes) {
    done_ += bytes;
    if (left() != 0) return;
    vectors_ = vectors_.subspan(1);
    done_ = 0;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (!vectors_.empty() && vectors_[0].bytes == 0) vectors_ = vectors_.subspan(1);
  }
  std::span<const UserVector> vectors_;
  std::uint64_t done_ = 0;
};

Answer<std::uint64_t> move(Call& call, Direction direction) {
  if (call.f() != 0) return error(EINVAL);
  const base::Array<UserVector> own_vectors = TRY(read_vectors(call.b(), call.c()));
  const base::Array<UserVector> other_vectors = TRY(read_vectors(call.d(), call.e()));
  Position here(own_vectors.span()), there(other_vectors.span());
  if (here.at_end() || there.at_end()) return std::uint64_t{0};
  const auto other = TRY(space_of(call, Call::as_int(call.a())));
  base::Array<std::byte> buffer;
  TRY(buffer.resize(piece_bytes));
  std::uint64_t moved = 0;
  while (!here.at_end() && !there.at_end()) {
    const std::uint64_t wanted = std::min({here.left(), there.left(), std::uint64_t{piece_bytes}});
    const std::size_t bytes =
        move_piece(other, direction, here.address(), there.address(), buffer.span().first(wanted));
    moved += bytes;
    if (bytes < wanted) return moved != 0 ? Answer<std::uint64_t>(moved) : error(EFAULT);
    here.advance(bytes);
    there.advance(bytes);
  }
  return moved;
}

}  // namespace

Answer<std::uint64_t> process_vm_readv(Call& call) { return move(call, Direction::FromOther); }
Answer<std::uint64_t> process_vm_writev(Call& call) { return move(call, Direction::ToOther); }

}  // namespace linux_abi::calls
