// SPDX-License-Identifier: Apache-2.0
// Takes the pages of a PageWriteBack message: see write_back.h.
#include "memory/pages/write_back.h"

#include <array>
#include <cstring>

#include "net/messages/file.h"

namespace memory {
namespace {

using base::Error;
using base::fail;
using base::page_bytes;
using base::Result;
using messages::PageTag;
using messages::WriteBackEntry;

PageTag read_tag(std::span<const std::byte> tags, std::size_t index) {
  PageTag tag;
  std::memcpy(&tag, tags.data() + index * sizeof tag, sizeof tag);
  return tag;
}

}  // namespace

Result<> WriteBack::apply(base::VNodeId vnode, const messages::PageWriteBackRequest& request,
                          std::span<const std::byte> tail) {
  std::array<Entry, messages::max_write_back_pages> entries;
  std::size_t offset = 0, tags_left = request.tag_count;
  for (std::uint32_t i = 0; i < request.page_count; ++i) {
    WriteBackEntry entry;
    if (tail.size() - offset < sizeof entry) return fail(Error::Malformed);
    std::memcpy(&entry, tail.data() + offset, sizeof entry);
    offset += sizeof entry;
    const std::size_t tag_bytes = std::size_t{entry.tag_count} * sizeof(PageTag);
    if (entry.tag_count == 0 || entry.tag_count > tags_left || tail.size() - offset < tag_bytes)
      return fail(Error::Malformed);
    tags_left -= entry.tag_count;
    entries[i] = Entry{entry.object_bytes, tail.subspan(offset, tag_bytes)};
    offset += tag_bytes;
  }
  if (tags_left != 0 || tail.size() - offset != std::size_t{request.page_count} * page_bytes)
    return fail(Error::Malformed);
  for (std::uint32_t i = 0; i < request.page_count; ++i, offset += page_bytes)
    TRY(apply_page(vnode, entries[i], tail.data() + offset));
  return {};
}

// Of a space or a file.
constexpr std::uint64_t last_page = messages::max_file_bytes / page_bytes;

Result<> WriteBack::apply_page(base::VNodeId vnode, const Entry& entry, const std::byte* data) {
  std::array<PageHolder*, messages::max_write_back_tags> holders;
  const std::size_t tags = entry.tags.size() / sizeof(PageTag);
  FrameNumber shared = no_frame;
  std::size_t known = 0, holding = 0;
  bool file_page = false, one_frame = true;
  if (entry.object_bytes > messages::max_file_bytes) return base::fail(Error::InvalidArgument);
  for (std::size_t i = 0; i < tags; ++i) {
    const PageTag tag = read_tag(entry.tags, i);
    if (tag.page > last_page) return base::fail(Error::InvalidArgument);
    auto holder = holders_.find(tag.id, vnode);
    if (!holder && holder.error() == Error::Stale) holder = source_.adopt(tag.id, vnode);
    holders[i] = holder ? *holder : nullptr;
    if (!holder) {
      ++counters_.stale_tags;
      continue;
    }
    ++known;
    file_page = file_page || (*holder)->kind() == HolderKind::File;
    TRY((*holder)->pages.prepare(tag.page));
    const FrameNumber frame = (*holder)->pages.find(tag.page);
    if (frame == no_frame) continue;
    one_frame = one_frame && (shared == no_frame || shared == frame);
    shared = frame;
    ++holding;
  }
  if (known == 0) return {};
  // A frame of the page cache is one page of one file, whatever a message says.
  if (file_page && tags > 1) {
    for (std::size_t i = 0; i < tags; ++i)
      TRY(apply_page(vnode, {entry.object_bytes, entry.tags.subspan(i * sizeof(PageTag), sizeof(PageTag))}, data));
    return {};
  }
  ++counters_.pages;
  if (one_frame && holding == known && store_.references(shared) == known) {
    std::memcpy(store_.data(shared), data, page_bytes);
    ++counters_.overwritten;
  } else {
    const FrameUse use = file_page ? FrameUse::PageCache : FrameUse::Anonymous;
    const FrameRef fresh = FrameRef::adopt(store_, TRY(store_.allocate(use, Claim::Reserved)));
    std::memcpy(fresh.data(), data, page_bytes);
    for (std::size_t i = 0; i < tags; ++i) {
      if (holders[i] == nullptr) continue;
      const PageTag tag = read_tag(entry.tags, i);
      if (holders[i]->pages.find(tag.page) == fresh.number()) continue;  // named twice
      store_.retain(fresh.number());
      holders[i]->pages.set(tag.page, fresh.number());
      if (use == FrameUse::PageCache) store_.set_owner(fresh.number(), FrameOwner{tag.id, tag.page});
    }
  }
  for (std::size_t i = 0; i < tags; ++i)
    if (holders[i] != nullptr && holders[i]->kind() == HolderKind::File)
      files_.written(*holders[i], read_tag(entry.tags, i).page, entry.object_bytes);
  return {};
}

}  // namespace memory
