// SPDX-License-Identifier: Apache-2.0
// What one look at a fault decides to do next, without the locks. Private to the ExCache's sources.
#pragma once

#include "processor/excache/excache.h"

namespace excache {

struct ExCache::Step {
  enum class Action : std::uint8_t {
    Finish,     // nothing: `outcome` is the result
    Zero,       // clear `line`, then look again
    Copy,       // copy `source` to `line` and move the tag there, then look again
    Fetch,      // ask `home` for `key`; the waiter is linked
    AskFrames,  // ask `home` for frames; the waiter is linked
    Notify,     // tell `home` that `line` will be written; the waiter is linked
  };
  Action action = Action::Finish;
  FaultOutcome outcome;
  Line* line = nullptr;
  Line* source = nullptr;
  Tag* tag = nullptr;  // Copy: the one that moves; nullptr: the copy has its own already
  Home* home = nullptr;
  Space* space = nullptr;
  base::UserVa page;
  PageKey key;
  bool flush = false;  // Copy: processors may have the old translation
  PrefetchPlan prefetch;

  Work work() const {
    switch (action) {
      case Action::Finish:
        return Work::None;
      case Action::Zero:
        return Work::Zeroed;
      case Action::Copy:
        return Work::Copied;
      case Action::Fetch:
        return Work::Fetched;
      case Action::AskFrames:
        return Work::AskedForFrames;
      case Action::Notify:
        return Work::Announced;
    }
    return Work::None;
  }
  bool waits() const { return action != Action::Zero && action != Action::Copy; }
};

}  // namespace excache
