// SPDX-License-Identifier: Apache-2.0
// Restartable sequences: see restartable_sequences.h. The layouts are those of <linux/rseq.h>.
#include "linux-abi/process/restartable_sequences.h"

#include <cstddef>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

struct UserSequences {
  std::uint32_t first_core, core;
  std::uint64_t current;  // address of a UserSequence, 0: in none
  std::uint32_t flags;
};

struct UserSequence {
  std::uint32_t version, flags;
  std::uint64_t start, bytes, abort;
};
static_assert(offsetof(UserSequences, flags) == 16 && sizeof(UserSequence) == 32);

arch::UserInOut<std::uint64_t> current_of(const Thread& thread) {
  return arch::UserInOut<std::uint64_t>(thread.sequences.address + offsetof(UserSequences, current));
}

Answer<UserSequence> checked(const Thread& thread, std::uint64_t address) {
  const UserSequence sequence = TRY(arch::UserIn<UserSequence>(address).read());
  if (sequence.version != 0 || !arch::is_user_range(base::UserVa(sequence.start), sequence.bytes)) return error(EINVAL);
  if (!arch::is_user_range(base::UserVa(sequence.abort), 1)) return error(EINVAL);
  if (sequence.abort - sequence.start < sequence.bytes) return error(EINVAL);
  // So that nobody who can write one word makes a thread go on anywhere.
  const std::uint64_t signature_at = sequence.abort - sizeof(std::uint32_t);
  if (TRY(arch::UserIn<std::uint32_t>(signature_at).read()) != thread.sequences.signature) return error(EINVAL);
  return sequence;
}

Answer<> tell_core(Thread& thread, std::uint32_t first_core, std::uint32_t core) {
  const std::array<std::uint32_t, 2> words{first_core, core};
  using UserWords = arch::UserOut<std::array<std::uint32_t, 2>>;
  TRY(UserWords(thread.sequences.address).write(words));
  return {};
}

}  // namespace

void register_sequences(Thread& thread, std::uint64_t address, std::uint32_t signature) {
  thread.sequences = {.address = address, .signature = signature};
  thread.kernel_thread().tell_switches(true);
}

Answer<> unregister_sequences(Thread& thread) {
  TRY(tell_core(thread, 0, RestartableSequences::no_core));
  forget_sequences(thread);
  return {};
}

void forget_sequences(Thread& thread) {
  thread.sequences = {};
  thread.kernel_thread().tell_switches(false);
}

void inherit_sequences(Thread& child, const Thread& parent) {
  if (parent.sequences.address == 0) return;
  child.sequences = parent.sequences;
  child.kernel_thread().tell_switches(true);
}

Answer<> leave_sequence(Thread& thread, arch::TrapFrame& frame) {
  if (thread.sequences.address == 0) return {};
  const std::uint64_t current = TRY(current_of(thread).read());
  if (current == 0) return {};
  const UserSequence sequence = TRY(checked(thread, current));
  const bool inside = frame.rip - sequence.start < sequence.bytes;
  // Flags that once kept a sequence from starting over are refused, as Linux does.
  const std::uint64_t flags_at = thread.sequences.address + offsetof(UserSequences, flags);
  if (inside && (sequence.flags != 0 || TRY(arch::UserIn<std::uint32_t>(flags_at).read()) != 0)) return error(EINVAL);
  TRY(current_of(thread).write(0));
  if (inside) frame.rip = sequence.abort;
  return {};
}

Answer<> update_sequences(Thread& thread, arch::TrapFrame& frame) {
  RestartableSequences& own = thread.sequences;
  if (own.address == 0) return {};
  TRY(leave_sequence(thread, frame));
  // May wait for the page and run on another core afterwards: then this is done again.
  const std::uint32_t core = thread.kernel_thread().last_core();
  if (core == own.told_core) return {};
  TRY(tell_core(thread, core, core));
  own.told_core = core;
  return {};
}

}  // namespace linux_abi
