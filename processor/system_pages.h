// SPDX-License-Identifier: Apache-2.0
// The pages that the personality shows to every program: one of data that it alone writes, and code that reads it. They
// are lines of the ExCache that are pinned for as long as the component lives, so nothing about them is ever sent,
// written back or evicted; programs share them as they share a file's text. Constant once made.
#pragma once

#include <cstddef>
#include <span>

#include "processor/excache/excache.h"

namespace processor {

class SystemPages {
 public:
  static constexpr std::uint32_t data_pages = 1;

  // NoMemory: the ExCache has no lines for them; TooBig.
  static base::Result<base::Own<SystemPages>> create(excache::ExCache& cache, std::span<const std::byte> code);
  explicit SystemPages(std::uint32_t code_pages);

  std::uint32_t code_pages() const { return code_pages_; }
  std::span<std::byte> data() const { return data_; }

 private:
  // Nothing is ever asked of the home of these pages.
  class NoHome final : public excache::Home {
   public:
    void fetch(excache::Line&, excache::PageKey, bool) override;
    void write_back(excache::WriteBack&) override;
    void reserve_frames(excache::Space&, std::uint32_t) override;
    void notify_write(excache::Line&, excache::PageKey) override;
  };
  base::Result<std::span<std::byte>> make_page(excache::ExCache& cache, std::uint64_t page,
                                               std::span<const std::byte> content);

  NoHome home_;
  std::uint32_t code_pages_;
  excache::Object object_;
  excache::FaultContext history_;
  std::span<std::byte> data_;
};

}  // namespace processor
