// SPDX-License-Identifier: Apache-2.0
// Checks what the ExCache promises about itself, for tests: every line and tag is in exactly one place, and page tables
// say what tags say.
#include "processor/excache/excache.h"

namespace excache {

const char* ExCache::audit() {
  const base::SpinGuard guard(lock_);
  std::size_t tags = 0;
  std::size_t free_lines = 0;
  std::size_t freeing = 0;
  for (Line& line : lines_) {
    if (const char* wrong = audit_line(line)) return wrong;
    for (const Tag& tag : line.tags) {
      ++tags;
      if (const char* wrong = audit_tag(line, tag)) return wrong;
    }
    free_lines += line.state == LineState::Free ? 1 : 0;
    freeing += line.evicting ? 1 : 0;
  }
  if (free_lines != free_.size()) return "a free line is not on the free list";
  if (freeing != freeing_) return "lines being freed are miscounted";
  if (tags != tags_.size()) return "a tag in the hash is on no line";
  if (tags + free_tags_.size() != tag_count_) return "a tag is lost";
  return nullptr;
}

const char* ExCache::audit_line(Line& line) {
  std::uint32_t private_tags = 0;
  std::size_t object_tags = 0;
  for (const Tag& tag : line.tags) {
    private_tags += tag.kind == TagKind::Private ? 1 : 0;
    object_tags += tag.kind == TagKind::Object ? 1 : 0;
  }
  if (private_tags != line.private_tags) return "private tags are miscounted";
  if (object_tags != (line.object != nullptr ? 1U : 0U)) return "a line's object and its tags disagree";
  if (object_tags > 0 && private_tags > 0) return "a line is private and shared";
  if (object_tags > 0 && line.tags.front().kind != TagKind::Object) return "the object's tag is not first";
  if (line.state == LineState::Free && (!line.tags.empty() || line.pins > 0)) return "a free line is in use";
  if (line.state == LineState::Resident && line.tags.empty() && line.pins == 0) return "a line is lost";
  if (line.evicting && line.state != LineState::WritingBack) return "a line is evicted without a write-back";
  if (line.writers > line.pins) return "a writer without a pin";
  return nullptr;
}

const char* ExCache::audit_tag(const Line& line, const Tag& tag) {
  if (tag.line != &line) return "a tag is on the wrong line";
  if (find_tag(tag.key) != &tag) return "a tag is not in the hash";
  if (tag.kind == TagKind::Object) return tag.mapped || tag.space != nullptr ? "an object's tag is mapped" : nullptr;
  const PageEntry entry = tag.space->table.read(tag.address());
  if (entry.present != tag.mapped) return "a tag and its page-table entry disagree";
  if (!entry.present && entry.mark != Mark::Cached) return "a tag's entry is not marked";
  if (!entry.present) return nullptr;
  if (line.state == LineState::Free || line.state == LineState::Filling || line.state == LineState::Victim ||
      line.state == LineState::Failed)
    return "a line is mapped that must not be";
  if (entry.writable && line.state == LineState::WritingBack) return "a line can change while it is written back";
  if (entry.writable && line.private_tags > 1) return "a shared private line is writable";
  if (entry.writable && line.object != nullptr && line.object->kind == ObjectKind::File && !line.notified)
    return "a page of a file is writable without its home's knowledge";
  return nullptr;
}

}  // namespace excache
