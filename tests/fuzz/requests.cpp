// SPDX-License-Identifier: Apache-2.0
// Requests by operation: see requests.h. Each fill() sets the fields that matter; what it leaves alone stays zero.
#include "tests/fuzz/requests.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "net/messages/file.h"
#include "net/messages/managers.h"
#include "net/messages/program.h"
#include "net/messages/space.h"
#include "net/messages/xattr.h"

namespace fuzz {

using namespace messages;

void Known::Ring::add(std::uint64_t number) {
  if (number == 0 || std::ranges::find(numbers, number) != numbers.end()) return;
  if (numbers.size() < most) {
    numbers.push_back(number);
  } else {
    numbers[next++ % most] = number;
  }
}

std::uint64_t Known::Ring::any(Choices& choices) const {
  return numbers.empty() ? 1 : numbers[choices.take(1) % numbers.size()];
}

void Known::learn(Operation operation, std::span<const std::byte> body) {
  for (std::size_t at = 0; at + sizeof(le64) <= body.size(); at += sizeof(le64)) {
    le64 word;
    std::memcpy(&word, body.data() + at, sizeof(word));
    const bool space = operation == Operation::SpaceCreate || operation == Operation::SpaceFork;
    const bool file = operation >= Operation::FileMount;
    (at > 0 ? others_ : space ? spaces_ : file ? files_ : others_).add(word);
  }
}

std::uint64_t Known::any(Choices& choices) const {
  switch (choices.below(4)) {
    case 0:
      return spaces_.any(choices);
    case 1:
      return files_.any(choices);
    default:
      return others_.any(choices);
  }
}

namespace {

constexpr std::uint64_t page = base::page_bytes;

class Maker {
 public:
  Maker(Choices& choices, const Known& known) : choices_(choices), known_(known) {}

  template <typename Request>
  Message make() {
    Request request{};
    fill(request);
    const auto bytes = std::as_bytes(std::span(&request, 1));
    return {Request::operation, {bytes.begin(), bytes.end()}, std::move(tail_)};
  }

 private:
  std::uint64_t id() { return choices_.one_in(12) ? choices_.take(8) : known_.any(choices_); }
  std::uint64_t space() { return choices_.one_in(12) ? id() : known_.space(choices_); }
  std::uint64_t file() { return choices_.one_in(12) ? id() : known_.file(choices_); }
  std::uint32_t small(std::uint32_t bound) { return static_cast<std::uint32_t>(choices_.below(bound)); }
  // A few places close to each other, so that ranges overlap; sometimes the ends of everything.
  std::uint64_t address() {
    constexpr std::uint64_t bases[] = {0x10000000, 0x10000000, 0x7f0000000000, 0x3ffff000};
    constexpr std::uint64_t edges[] = {0, page, 0x7ffffffff000, 0x800000000000, 0x100000000000 - page};
    if (choices_.one_in(16)) return edges[small(std::size(edges))];
    return bases[small(std::size(bases))] + page * small(8);
  }
  std::uint64_t pages() { return choices_.one_in(32) ? page * choices_.take(5) : page * (1 + small(8)); }
  std::uint64_t offset() {
    return choices_.one_in(16) ? choices_.take(8) : choices_.one_in(2) ? page * small(64) : small(300'000);
  }
  void append(std::string_view text) {
    for (const char c : text) tail_.push_back(static_cast<std::byte>(c));
  }
  template <typename T>
  void append_value(const T& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    tail_.insert(tail_.end(), bytes.begin(), bytes.end());
  }
  void append_bytes(std::size_t count) {
    const auto first = choices_.take(1);
    for (std::size_t i = 0; i < count; ++i) tail_.push_back(static_cast<std::byte>(first + i * 7));
  }
  std::uint32_t name() {
    constexpr std::string_view names[] = {"a", "b", "c", "d", "dir", "link", "program", "..", ".", "x/y", "e"};
    if (choices_.one_in(32)) {
      const std::size_t count = 1 + small(260);
      append_bytes(count);
      return static_cast<std::uint32_t>(count);
    }
    const std::string_view text = names[small(std::size(names))];
    append(text);
    return static_cast<std::uint32_t>(text.size());
  }

  // Membership and managers.
  void fill(JoinRequest& r) {
    r.version = protocol_version;
    r.kind = static_cast<std::uint8_t>(1 + small(4));
    r.ip = choices_.one_in(4) ? small(1 << 24) : known_.own_ip;
    r.boot_id = choices_.one_in(4) ? id() : known_.own_boot_id;
    r.memory_bytes = choices_.take(8);
  }
  void fill(JoinProveRequest& r) { r.boot_id = choices_.one_in(4) ? id() : known_.own_boot_id; }
  void fill(HeartbeatRequest& r) {
    r.boot_id = known_.own_boot_id;
    r.frames_total = choices_.take(8);
    r.frames_free = choices_.take(8);
    r.load = choices_.take(1);
  }
  void fill(NodeLookupRequest& r) { r.node = small(16); }
  void fill(NodeListRequest& r) { r.first = small(16); }
  void fill(LeaveRequest& r) { r.boot_id = choices_.one_in(8) ? known_.own_boot_id : id(); }
  void fill(VNodeCreateRequest& r) { r.hostname[0] = static_cast<char>('a' + small(26)); }
  void fill(VNodeDestroyRequest& r) { r.vnode = id(); }
  void fill(LaunchAssignRequest& r) { r.vnode = id(); }
  void fill(LaunchEndRequest& r) { r.launch = id(); }
  void fill(VRegionAssignRequest& r) {
    r.vnode = id();
    r.space = space();
    r.count = 1 + small(8);
    for (std::uint32_t i = 0; i < r.count; ++i)
      append_value(le64(choices_.one_in(16) ? choices_.take(8) : choices_.below(64)));
  }
  void fill(VRegionReleaseRequest& r) { r.space = space(); }
  void fill(StatsReadRequest&) {}

  // Programs: served by no component of these tests, but they arrive.
  void fill(ProgramStartRequest& r) {
    r.launch = id();
    r.vnode = 1;
    r.argc = 1;
    append(std::string_view("/\0a\0a\0", 6));
  }
  void fill(ConsoleReadRequest& r) { r.launch = id(); }
  void fill(ConsoleWriteRequest& r) { r.launch = id(); }
  void fill(ConsoleResizeRequest& r) { r.launch = id(); }
  void fill(ConsoleSignalRequest& r) {
    r.launch = id();
    r.signal = 1 + small(64);
  }
  void fill(ProgramReleaseRequest& r) { r.launch = id(); }
  void fill(MemoryPressureRequest& r) { r.low = small(2); }

  // Spaces and pages.
  void fill(SpaceCreateRequest&) {}
  void fill(SpaceForkRequest& r) {
    r.parent = space();
    if (choices_.one_in(8)) r.child = id();
  }
  void fill(SpaceDestroyRequest& r) { r.space = space(); }
  void fill(SpaceMapRequest& r) {
    r.space = space();
    r.address = choices_.one_in(3) ? 0 : address();
    r.bytes = pages();
    if (choices_.one_in(3)) r.object = choices_.one_in(2) ? file() : id();
    if (r.object != 0) r.object_offset = page * small(16);
    r.protection = small(8);
    r.flags = choices_.one_in(2) ? 1 : small(128);
  }
  void fill(SpaceUnmapRequest& r) {
    r.space = space();
    r.address = address();
    r.bytes = pages();
  }
  void fill(SpaceProtectRequest& r) {
    r.space = space();
    r.address = address();
    r.bytes = pages();
    r.protection = small(8);
  }
  void fill(SpaceRemapRequest& r) {
    r.space = space();
    r.old_address = address();
    r.old_bytes = choices_.one_in(4) ? pages() : page;  // more is rarely within one VMA
    r.new_address = address();
    r.new_bytes = choices_.one_in(2) ? pages() : page;
    r.flags = choices_.one_in(2) ? static_cast<std::uint32_t>(RemapFlags::MayMove) : small(8);
  }
  void fill(SpaceBreakRequest& r) {
    r.space = space();
    r.address = choices_.one_in(2) ? known_.any(choices_) + page * small(8) : address() + small(5000);
  }
  void fill(SpaceDiscardRequest& r) {
    r.space = space();
    r.address = address();
    r.bytes = pages();
  }
  void fill(SpaceChangesRequest& r) {
    r.space = space();
    r.count = 1 + small(4);
    for (std::uint32_t i = 0; i < r.count; ++i) {
      SpaceChange change;
      change.address = address();
      change.bytes = pages();
      change.kind = choices_.one_in(16) ? small(8) : 1 + small(4);
      change.protection = small(8);
      append_value(change);
    }
  }
  void fill(SpacePageMoveRequest& r) {
    r.space = space();
    r.from_address = address();
    r.to_address = address();
    r.bytes = pages();
  }
  void fill(SpaceLoadRequest& r) {
    r.space = space();
    r.file = choices_.one_in(8) ? file() : known_.program;
    r.stack_bytes = choices_.one_in(8) ? choices_.take(8) : 8 << 20;
    r.random = choices_.take(1);
    r.system_data_pages = static_cast<std::uint32_t>(choices_.take(1));
    r.system_code_pages = static_cast<std::uint32_t>(choices_.take(1));
  }
  void fill(ObjectCreateRequest& r) { r.bytes = pages(); }
  void fill(ObjectReleaseRequest& r) { r.object = id(); }
  PageTag tag() {
    PageTag made;
    made.id = choices_.one_in(2) ? space() : choices_.one_in(2) ? file() : id();
    made.page = choices_.one_in(2) ? address() / page : choices_.one_in(16) ? choices_.take(8) : small(8);
    return made;
  }
  void fill(PageFetchRequest& r) {
    r.tag = tag();
    r.prefetch = small(2);
  }
  void fill(PageWriteBackRequest& r) {
    r.page_count = 1 + small(max_write_back_pages);
    std::uint32_t tags = 0;
    for (std::uint32_t i = 0; i < r.page_count; ++i) {
      WriteBackEntry entry;
      entry.tag_count = 1 + (choices_.one_in(4) ? small(4) : 0);
      if (choices_.one_in(4)) entry.object_bytes = offset();
      tags += entry.tag_count;
      append_value(entry);
      for (std::uint32_t j = 0; j < entry.tag_count; ++j) append_value(tag());
    }
    r.tag_count = tags;
    append_bytes(r.page_count * page);
  }
  void fill(FrameReserveRequest& r) {
    r.space = space();
    r.frames = 1 + small(64);
  }

  // Files.
  void fill(FileMountRequest& r) {
    r.storage = 1;
    r.storage_ip = 0x0a4d0001;
    r.storage_boot_id = 1001;
    if (choices_.one_in(8)) r.storage_boot_id = choices_.take(1);
    r.in_memory = choices_.one_in(3) ? 1 : 0;
    r.permissions = small(07777);
  }
  void fill(FileUnmountRequest& r) { r.root = file(); }
  void fill(FileLookupRequest& r) {
    r.directory = file();
    r.name_bytes = name();
  }
  void fill(FileGetAttributesRequest& r) { r.file = file(); }
  void fill(FileSetAttributesRequest& r) {
    r.file = file();
    r.mask = small(256);
    r.mode = small(010000);
    r.size = offset() & 0xffffff;
    r.access_time_ns = choices_.take(8);
    r.modify_time_ns = choices_.take(8);
  }
  void fill(FileCreateRequest& r) {
    constexpr std::uint32_t types[] = {0100000, 0100000, 0040000, 0120000, 0010000, 0020000, 0140000, 0};
    r.directory = file();
    r.mode = types[small(std::size(types))] | small(010000);
    r.uid = small(3);
    r.gid = small(3);
    r.hold = small(4);
    if (r.is_unnamed()) {
      r.mode = 0100000 | (r.mode & 07777);
      return;
    }
    r.name_bytes = name();
    r.device = choices_.take(2);
    if ((r.mode & 0170000) == 0120000) {
      const std::uint32_t target = 1 + small(300);
      r.target_bytes = target;
      append_bytes(target);
    }
  }
  void fill(FileUnlinkRequest& r) {
    r.directory = file();
    r.name_bytes = name();
    r.remove_directory = small(2);
  }
  void fill(FileRenameRequest& r) {
    r.old_directory = file();
    r.new_directory = file();
    r.old_name_bytes = name();
    r.new_name_bytes = name();
    r.flags = small(3);
  }
  void fill(FileLinkRequest& r) {
    r.file = file();
    r.directory = file();
    r.name_bytes = name();
  }
  void fill(FileReadLinkRequest& r) { r.file = file(); }
  void fill(FileReadDirectoryRequest& r) {
    r.directory = file();
    if (choices_.one_in(3)) r.cookie = choices_.one_in(2) ? known_.any(choices_) : choices_.take(8);
  }
  void fill(FileReadRequest& r) {
    r.file = file();
    r.offset = offset();
    r.bytes = choices_.one_in(16) ? static_cast<std::uint32_t>(choices_.take(4)) : small(66'000);
  }
  void fill(FileWriteRequest& r) {
    r.file = file();
    r.offset = offset();
    r.bytes = small(8'000);
    append_bytes(r.bytes);
  }
  void fill(FileSyncRequest& r) {
    if (!choices_.one_in(4)) r.file = file();
    r.data_only = small(2);
  }
  void fill(FileHoldRequest& r) { r.file = file(); }
  void fill(FileReleaseRequest& r) {
    r.file = file();
    r.count = 1 + small(3);
  }
  void fill(FileStatisticsRequest& r) { r.file = file(); }
  void fill(FileReserveRequest& r) {
    r.file = file();
    r.offset = offset();
    r.bytes = pages();
  }

  void fill(FileLimitRequest& r) {
    r.file = file();
    r.max_pages = choices_.one_in(4) ? ~std::uint64_t{0} : small(400);
    r.max_files = choices_.one_in(4) ? ~std::uint64_t{0} : small(40);
  }
  void fill(FilePunchRequest& r) {
    r.file = file();
    r.offset = offset();
    r.bytes = choices_.one_in(2) ? pages() : 1 + small(9'000);
  }
  void fill(FileExtentRequest& r) {
    r.file = file();
    r.offset = offset();
    r.what = small(3);
  }

  void fill(FileListXattrsRequest& r) { r.file = file(); }
  void fill(FileSetXattrRequest& r) {
    constexpr std::string_view prefixes[] = {"user.", "trusted.", "security.", "system.", ""};
    r.file = file();
    r.change = small(4);
    const std::string_view prefix = prefixes[small(std::size(prefixes))];
    for (const char letter : prefix) tail_.push_back(static_cast<std::byte>(letter));
    r.name_bytes = static_cast<std::uint32_t>(prefix.size()) + name();
    const std::uint32_t value = small(choices_.one_in(4) ? 6000 : 40);
    r.value_bytes = value;
    append_bytes(value);
  }

  Choices& choices_;
  const Known& known_;
  std::vector<std::byte> tail_;
};

Message make_right(Operation operation, Choices& choices, const Known& known) {
  Maker maker(choices, known);
  switch (operation) {
#define X(value, name, server) \
  case Operation::name:        \
    return maker.make<name##Request>();
    LEGO_OPERATIONS(X)
#undef X
  }
  return {};
}

void scribble(std::vector<std::byte>& bytes, Choices& choices) {
  if (bytes.empty()) return;
  constexpr std::uint64_t values[] = {0, 1, 0x7f, 0xff, 0x1000, 0x80000000, 0xffffffff, ~std::uint64_t{0}};
  const std::size_t at = choices.below(bytes.size());
  const std::uint64_t value = choices.one_in(2) ? values[choices.below(std::size(values))] : choices.take(8);
  const std::size_t count = std::min<std::size_t>(bytes.size() - at, std::size_t{1} << choices.below(4));
  for (std::size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace

Message make_message(Operation operation, Choices& choices, const Known& known) {
  Message message = make_right(operation, choices, known);
  if (!choices.one_in(3)) return message;
  for (std::uint64_t damage = 1 + choices.below(4); damage > 0; --damage) {
    switch (choices.below(8)) {
      case 0:
        message.body.resize(choices.below(257));
        break;
      case 1:
        message.tail.resize(choices.below(message.tail.size() + 40));
        break;
      case 2:
        for (std::byte& byte : message.body) byte = static_cast<std::byte>(choices.take(1));
        break;
      case 3:
        scribble(message.tail, choices);
        break;
      default:
        scribble(message.body, choices);
        break;
    }
  }
  return message;
}

}  // namespace fuzz
