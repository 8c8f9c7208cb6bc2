// SPDX-License-Identifier: Apache-2.0
// See system_pages.h.
#include "processor/system_pages.h"

#include <algorithm>
#include <cstring>

#include "net/messages/space.h"
#include "processor/monitor_core.h"

namespace processor {

using base::Error;
using base::page_bytes;
using base::Result;

namespace {

constexpr base::ObjectId system_object(messages::system_pages_object);

// When the ExCache is new there is nothing to wait for.
class NoWaiter final : public base::Waiter {
 public:
  void wake() override {}
};

}  // namespace

void SystemPages::NoHome::fetch(excache::Line&, excache::PageKey, bool) { base::platform::panic("system pages"); }
void SystemPages::NoHome::write_back(excache::WriteBack&) { base::platform::panic("system pages"); }
void SystemPages::NoHome::reserve_frames(excache::Space&, std::uint32_t) { base::platform::panic("system pages"); }
void SystemPages::NoHome::notify_write(excache::Line&, excache::PageKey) { base::platform::panic("system pages"); }

SystemPages::SystemPages(std::uint32_t code_pages)
    : code_pages_(code_pages),
      object_(system_object, excache::ObjectKind::Anonymous, home_, (data_pages + code_pages) * page_bytes) {}

Result<base::Own<SystemPages>> SystemPages::create(excache::ExCache& cache, std::span<const std::byte> code) {
  const std::uint64_t code_pages = base::round_up(code.size(), page_bytes) / page_bytes;
  if (code_pages > messages::max_system_pages) return base::fail(Error::TooBig);
  auto pages = TRY(base::try_make<SystemPages>(static_cast<std::uint32_t>(code_pages)));
  cache.add_object(pages->object_);
  pages->data_ = TRY(pages->make_page(cache, 0, {}));
  for (std::uint64_t page = 0; page < code_pages; ++page)
    TRY(pages->make_page(cache, data_pages + page, code.subspan(page * page_bytes)));
  return pages;
}

// Pinned, and never let go.
Result<std::span<std::byte>> SystemPages::make_page(excache::ExCache& cache, std::uint64_t page,
                                                    std::span<const std::byte> content) {
  NoWaiter waiter;
  const excache::PinOutcome outcome = cache.pin_page(object_, page, excache::PageUse::Read, history_, waiter);
  if (outcome.fault.kind != excache::FaultKind::Resolved) {
    cache.cancel_wait(waiter);
    return base::fail(Error::NoMemory);
  }
  const std::size_t bytes = std::min<std::size_t>(content.size(), page_bytes);
  if (bytes > 0) std::memcpy(outcome.bytes, content.data(), bytes);
  return std::span(outcome.bytes, page_bytes);
}

bool shows_system_pages(const vma::Vma& vma) { return vma.object == system_object; }

Result<std::span<std::byte>> MonitorCore::start_system_pages(std::span<const std::byte> code) {
  LEGO_ASSERT(!system_pages_);
  system_pages_ = TRY(SystemPages::create(*cache_, code));
  return system_pages_->data();
}

}  // namespace processor
