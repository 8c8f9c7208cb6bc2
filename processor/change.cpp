// SPDX-License-Identifier: Apache-2.0
// One changing operation on an address space: see Change in address_space_state.h.
#include "processor/monitor_core.h"

namespace processor {

using base::Error;
using base::Result;

Result<> Change::begin() {
  TRY(space_.changes().lock_killable());
  begun_ = true;
  if (space_.is_lost()) return base::fail(Error::PeerDead);
  return {};
}

Result<> Change::settle() {
  TRY(space_.log().settle(sleeper_));
  if (!space_.is_lost()) return {};
  space_.set_lost();
  return base::fail(Error::PeerDead);
}

Change::~Change() {
  if (frozen_) space_.cache().thaw(space_.space());
  if (begun_) space_.changes().unlock();
}

Result<> Change::clear(vma::Range range, excache::Unmapping unmapping) {
  excache::ExCache& cache = space_.cache();
  cache.freeze(space_.space(), range);
  frozen_ = true;
  excache::Quiesce state{.range = range, .unmapping = unmapping};
  while (cache.quiesce(space_.space(), state, sleeper_) == excache::Progress::Wait) {
    if (sleeper_.sleep()) continue;
    cache.cancel_wait(sleeper_);
    return base::fail(Error::Interrupted);
  }
  home_content_ |= state.home_content;
  return {};
}

void Change::forget(vma::Range range) {
  if (home_content_) {
    messages::SpaceDiscardRequest request;
    request.space = space_.id().value();
    request.address = range.start.value();
    request.bytes = range.bytes();
    const AddressSpace::Owners owners = space_.other_owners();
    for (std::size_t i = 0; i < owners.count; ++i) (void)insist(owners[i], request);
  }
  space_.cache().discard(space_.space(), range);
}

// Errors that the home itself gave before it changed anything are the caller's; after the others nobody knows.
void Change::check_answer(Error error) {
  switch (error) {
    case Error::PeerDead:
    case Error::Disconnected:
    case Error::TimedOut:
    case Error::Malformed:
      return space_.set_lost();
    default:
      return;
  }
}

Result<vma::Range> checked_range(base::UserVa start, std::uint64_t bytes) {
  if (!messages::page_aligned(start.value()) || !messages::page_aligned(bytes) || bytes == 0 ||
      !messages::user_range(start.value(), bytes))
    return base::fail(Error::InvalidArgument);
  return vma::Range::of(start, bytes);
}

}  // namespace processor
