// SPDX-License-Identifier: Apache-2.0
// An mComponent as the ExCache sees it. Requests are started without a lock and never wait; each is answered exactly
// once, in any context and possibly before the call returns, when the memory that it names is no longer in anybody's
// hands (the fencing rule). Answers go to the ExCache's ..._done functions.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/waiter.h"
#include "processor/excache/line.h"

namespace excache {

class Home;

// As the message PageWriteBack: pages of one home, with all the tags that share each.
inline constexpr unsigned max_write_back_pages = 8;
inline constexpr unsigned max_write_back_tags = 256;

struct WriteBack {
  struct Page {
    Line* line = nullptr;
    std::uint32_t tag_count = 0;
    std::uint64_t object_bytes = 0;  // of a file: its size as known here
  };
  Home* home = nullptr;
  unsigned page_count = 0;
  unsigned tag_count = 0;
  std::array<Page, max_write_back_pages> pages;
  std::array<PageKey, max_write_back_tags> tags;  // of page 0, then of page 1...
  WriteBack* next_free = nullptr;
};

class Home {
 public:
  // -> fetch_done. NotFound: the home has no content. Again: a prefetch that was refused.
  virtual void fetch(Line& line, PageKey key, bool prefetch) = 0;
  // -> write_back_done.
  virtual void write_back(WriteBack& pages) = 0;
  // FrameReserve for a space -> frames_reserved.
  virtual void reserve_frames(Space& space, std::uint32_t frames) = 0;
  // FileReserve for one page -> write_notified.
  virtual void notify_write(Line& line, PageKey key) = 0;

 protected:
  ~Home() = default;

 private:
  friend class ExCache;
  bool low_ = false;          // ask before zero-fills and copies
  unsigned write_backs_ = 0;  // messages under way
};

}  // namespace excache
