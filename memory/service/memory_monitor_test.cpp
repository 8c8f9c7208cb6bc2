// SPDX-License-Identifier: Apache-2.0
// The memory monitor behind net/rpc, with managers and an sComponent that do just enough: who owns vRegions, what is
// refused, and what ends with a pComponent.
#include "memory/service/memory_monitor.h"

#include <gtest/gtest.h>

#include <optional>

#include "net/messages/managers.h"
#include "net/rpc/test_world.h"

namespace memory {
namespace {

using base::Error;
using base::page_bytes;
using base::Result;
using base::Task;
using base::vregion_bytes;
using messages::MapFlags;

constexpr std::uint32_t owner_node = 9;
constexpr base::VNodeId vnode(1);
constexpr std::uint64_t somewhere = 100 * vregion_bytes;

struct Managers {
  explicit Managers(rpc::test::Node& node) {
    node.server.handle<messages::VRegionAssignRequest, &Managers::assign>(*this);
    node.server.handle<messages::VRegionReleaseRequest, &Managers::release>(*this);
    node.serve();
  }
  Task<> assign(rpc::ServerCall& call, messages::VRegionAssignRequest request) {
    if (refuse) co_return base::fail(Error::Exhausted);
    std::vector<messages::VRegionOwner> owners(request.count);
    for (std::size_t i = 0; i < owners.size(); ++i) {
      std::memcpy(&owners[i].index, call.tail().data() + i * 8, 8);
      owners[i].node = owner_node;
    }
    messages::VRegionAssignReply reply;
    reply.count = request.count;
    co_return call.reply(reply, std::as_bytes(std::span(owners)));
  }
  Task<> release(rpc::ServerCall& call, messages::VRegionReleaseRequest) {
    ++released;
    co_return call.reply(messages::EmptyReply{});
  }
  bool refuse = false;
  int released = 0;
};

struct Storage {
  explicit Storage(rpc::test::Node& node) {
    node.server.handle<messages::FileMountRequest, &Storage::mount>(*this);
    node.server.handle<messages::FileHoldRequest, &Storage::hold>(*this);
    node.server.handle<messages::FileReleaseRequest, &Storage::release>(*this);
    node.server.handle<messages::FileGetAttributesRequest, &Storage::attributes>(*this);
    node.serve();
  }
  static messages::FileAttributes root() {
    messages::FileAttributes attributes;
    attributes.file = 2u;
    attributes.links = 2u;
    return attributes;
  }
  Task<> mount(rpc::ServerCall& call, messages::FileMountRequest) {
    messages::FileMountReply reply;
    reply.root = root();
    co_return call.reply(reply);
  }
  Task<> hold(rpc::ServerCall& call, messages::FileHoldRequest) {
    ++holds;
    co_return call.reply(messages::FileAttributesReply{root()});
  }
  Task<> release(rpc::ServerCall& call, messages::FileReleaseRequest request) {
    holds -= static_cast<int>(request.count.get());
    co_return call.reply(messages::EmptyReply{});
  }
  Task<> attributes(rpc::ServerCall& call, messages::FileGetAttributesRequest) {
    co_return call.reply(messages::FileAttributesReply{root()});
  }
  int holds = 0;
};

struct Answer {
  Error error = Error::None;
  std::vector<std::byte> body, tail;
  template <typename T>
  T as() const {
    T value{};
    EXPECT_EQ(body.size(), sizeof value) << base::error_name(error);
    std::memcpy(static_cast<void*>(&value), body.data(), std::min(body.size(), sizeof value));
    return value;
  }
};

struct MonitorTest : testing::Test {
  rpc::test::LoopWorld world{1};
  rpc::test::Node& managers_node = world.add(1);
  rpc::test::Node& home = world.add(2);
  rpc::test::Node& client = world.add(3);
  rpc::test::Node& other_client = world.add(4);
  rpc::test::Node& storage_node = world.add(5);
  Managers managers{managers_node};
  Storage storage{storage_node};
  MemoryMonitor monitor{home.loop, *home.endpoint, home.server, home.slabs, managers_node.address()};

  void SetUp() override {
    const std::span<std::byte> frames = home.allocate(64 * page_bytes);
    ASSERT_TRUE(monitor.add_frames(frames.data(), 64, home.slabs.local(frames)->lkey));
    home.serve();
  }
  template <messages::Body T>
  Answer ask(rpc::test::Node& from, const T& body, std::span<const std::byte> tail = {}) {
    rpc::test::TestCall call(body);
    call.request.vnode = vnode;
    call.request.copied_tail = tail;
    from.peer(home).submit(call);
    EXPECT_TRUE(world.run([&] { return call.free; }));
    Answer answer{.error = call.error};
    answer.body.assign(call.reply.body().begin(), call.reply.body().end());
    answer.tail.assign(call.reply.tail().begin(), call.reply.tail().end());
    return answer;
  }
  std::uint64_t create(rpc::test::Node& from) {
    return ask(from, messages::SpaceCreateRequest{}).as<messages::SpaceCreateReply>().space;
  }
  static messages::SpaceMapRequest map_request(std::uint64_t space, std::uint64_t bytes, std::uint32_t protection) {
    messages::SpaceMapRequest request;
    request.space = space;
    request.address = somewhere;
    request.bytes = bytes;
    request.protection = protection;
    request.flags = static_cast<std::uint32_t>(MapFlags::FixedNoReplace);
    return request;
  }
  static messages::SpaceProtectRequest protect_request(std::uint64_t space, std::uint64_t bytes) {
    messages::SpaceProtectRequest request;
    request.space = space;
    request.address = somewhere;
    request.bytes = bytes;
    request.protection = 3;
    return request;
  }
  std::map<std::string, std::uint64_t> counters() {
    struct Sink final : rpc::CounterSink {
      void counter(std::string_view name, std::uint64_t value) override { all[std::string(name)] = value; }
      std::map<std::string, std::uint64_t> all;
    } sink;
    monitor.report(sink);
    return sink.all;
  }
  void end_processor(std::uint32_t node) {
    bool ended = false;
    base::spawn(monitor.processor_died(base::NodeId(node)), [&](Result<> result) { ended = result.has_value(); });
    EXPECT_TRUE(world.run([&] { return ended; }));
  }
};

TEST_F(MonitorTest, AMappingThatGetsNoOwnersChangesNothing) {
  const std::uint64_t space = create(client);
  managers.refuse = true;
  EXPECT_EQ(ask(client, map_request(space, 2 * page_bytes, 3)).error, Error::Exhausted);
  const auto reserved = ask(client, map_request(space, 2 * page_bytes, 0));
  EXPECT_EQ(reserved.error, Error::None) << "the place is still free";
  EXPECT_EQ(reserved.as<messages::SpaceMapReply>().version, 1u);
  EXPECT_EQ(ask(client, protect_request(space, page_bytes)).error, Error::Exhausted);
  managers.refuse = false;
  EXPECT_EQ(ask(client, protect_request(space, page_bytes)).as<messages::SpaceMapReply>().version, 2u);
}

TEST_F(MonitorTest, AMoveThatGetsNoOwnersChangesNothing) {
  const std::uint64_t space = create(client);
  EXPECT_EQ(ask(client, map_request(space, page_bytes, 3)).error, Error::None);
  managers.refuse = true;
  messages::SpaceRemapRequest remap;
  remap.space = space;
  remap.old_address = somewhere;
  remap.old_bytes = page_bytes;
  remap.new_address = somewhere + 5 * vregion_bytes;
  remap.new_bytes = page_bytes;
  remap.flags = static_cast<std::uint32_t>(messages::RemapFlags::MayMove) |
                static_cast<std::uint32_t>(messages::RemapFlags::Fixed);
  EXPECT_EQ(ask(client, remap).error, Error::Exhausted);
  EXPECT_EQ(ask(client, protect_request(space, page_bytes)).as<messages::SpaceMapReply>().version, 2u)
      << "it is where it was";
  managers.refuse = false;
  EXPECT_EQ(ask(client, remap).as<messages::SpaceMapReply>().address, remap.new_address);
}

TEST_F(MonitorTest, AReservationGetsOwnersWhenItBecomesAccessible) {
  const std::uint64_t space = create(client);
  const auto reserved = ask(client, map_request(space, 3 * vregion_bytes, 0)).as<messages::SpaceMapReply>();
  EXPECT_EQ(reserved.owner_count, 0u);
  const Answer opened = ask(client, protect_request(space, vregion_bytes + page_bytes));
  EXPECT_EQ(opened.as<messages::SpaceMapReply>().owner_count, 2u);
  ASSERT_EQ(opened.tail.size(), 2 * sizeof(messages::VRegionOwner));
  messages::VRegionOwner owner;
  std::memcpy(&owner, opened.tail.data(), sizeof owner);
  EXPECT_EQ(owner.index, somewhere / vregion_bytes);
  EXPECT_EQ(owner.node, owner_node);
}

TEST_F(MonitorTest, MoreThanTheRackHasIsRefusedUnlessItHasGrown) {
  struct Grown final : RackRefresher {
    explicit Grown(MemoryMonitor& owner) : monitor(owner) {}
    Task<> refresh() override {
      ++asked;
      monitor.set_rack_memory(bytes);
      co_return {};
    }
    MemoryMonitor& monitor;
    std::uint64_t bytes = 8 * page_bytes;
    int asked = 0;
  } rack(monitor);
  monitor.set_rack_refresher(rack);
  monitor.set_rack_memory(8 * page_bytes);
  const std::uint64_t space = create(client);
  auto request = map_request(space, 16 * page_bytes, 3);
  EXPECT_EQ(ask(client, request).error, Error::NoMemory);
  EXPECT_EQ(rack.asked, 1);
  rack.bytes = 16 * page_bytes;
  EXPECT_EQ(ask(client, request).error, Error::None);
  request.address = somewhere + vregion_bytes;
  request.bytes = 100 * page_bytes;
  request.flags = request.flags.get() | static_cast<std::uint32_t>(MapFlags::NoReserve);
  EXPECT_EQ(ask(client, request).error, Error::None);
}

TEST_F(MonitorTest, WhatADeadProcessorHadEnds) {
  messages::FileMountRequest mount;
  mount.storage = storage_node.number;
  mount.storage_ip = storage_node.ip();
  mount.storage_boot_id = storage_node.address().boot_id.value();
  const std::uint64_t root = ask(client, mount).as<messages::FileMountReply>().root.file;
  messages::FileHoldRequest hold;
  hold.file = root;
  for (auto* node : {&client, &client, &other_client}) EXPECT_EQ(ask(*node, hold).error, Error::None);
  EXPECT_EQ(storage.holds, 1);

  const std::uint64_t parent = create(client), kept = create(other_client);
  EXPECT_EQ(ask(client, map_request(parent, page_bytes, 3)).error, Error::None);
  EXPECT_EQ(ask(other_client, map_request(kept, page_bytes, 3)).error, Error::None);
  messages::SpaceForkRequest fork;
  fork.parent = parent;
  EXPECT_EQ(ask(client, fork).error, Error::None);
  messages::ObjectCreateRequest object;
  object.bytes = page_bytes;
  EXPECT_EQ(ask(client, object).error, Error::None);
  EXPECT_EQ(counters()["spaces"], 3u);
  EXPECT_EQ(counters()["objects"], 1u);

  end_processor(client.number);
  EXPECT_EQ(counters()["spaces"], 1u);
  EXPECT_EQ(counters()["objects"], 0u);
  EXPECT_EQ(managers.released, 2) << "vRegions of both spaces";
  EXPECT_EQ(storage.holds, 1) << "the other pComponent has the file open";
  EXPECT_EQ(ask(other_client, protect_request(kept, page_bytes)).error, Error::None);

  end_processor(other_client.number);
  EXPECT_EQ(counters()["spaces"], 0u);
  EXPECT_EQ(storage.holds, 0);
}

// A file system in memory: names and pages are here alone, and no sComponent is asked.
struct MemoryFilesTest : MonitorTest {
  std::uint64_t mount() {
    messages::FileMountRequest request;
    request.in_memory = 1;
    request.permissions = 01777;
    const auto mounted = ask(client, request).as<messages::FileMountReply>();
    EXPECT_EQ(mounted.root.mode, 041777u);
    return mounted.root.file;
  }
  Answer create_file(std::uint64_t directory, std::string_view name) {
    messages::FileCreateRequest request;
    request.directory = directory;
    request.mode = static_cast<std::uint32_t>(messages::FileType::Regular) | 0644;
    request.name_bytes = static_cast<std::uint32_t>(name.size());
    return ask(client, request, std::as_bytes(std::span(name)));
  }
  std::uint64_t file(std::uint64_t directory, std::string_view name) {
    return create_file(directory, name).as<messages::FileAttributesReply>().attributes.file;
  }
  messages::FileAttributes write(std::uint64_t to, std::uint64_t offset, std::string_view text) {
    messages::FileWriteRequest request;
    request.file = to;
    request.offset = offset;
    request.bytes = static_cast<std::uint32_t>(text.size());
    return ask(client, request, std::as_bytes(std::span(text))).as<messages::FileAttributesReply>().attributes;
  }
  Error reserve(std::uint64_t at, std::uint64_t bytes) {
    messages::FileReserveRequest request;
    request.file = at;
    request.bytes = bytes;
    return ask(client, request).error;
  }
  Error limit(std::uint64_t at, std::uint64_t pages, std::uint64_t files) {
    messages::FileLimitRequest request;
    request.file = at;
    request.max_pages = pages;
    request.max_files = files;
    return ask(client, request).error;
  }
  messages::FileStatisticsReply statistics(std::uint64_t at) {
    messages::FileStatisticsRequest request;
    request.file = at;
    return ask(client, request).as<messages::FileStatisticsReply>();
  }
  Error sync(std::uint64_t of) {
    messages::FileSyncRequest request;
    request.file = of;
    return ask(client, request).error;
  }
};

TEST_F(MemoryFilesTest, FilesKeepWhatWasWritten) {
  const std::uint64_t root = mount(), written = file(root, "f");
  const messages::FileAttributes attributes = write(written, 2 * page_bytes, "hello");
  EXPECT_EQ(attributes.size, 2 * page_bytes + 5);
  EXPECT_EQ(attributes.blocks, 8u) << "the hole has none";
  EXPECT_EQ(sync(written), Error::None);
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 1u);
  messages::FileGetAttributesRequest again;
  again.file = written;
  EXPECT_EQ(ask(client, again).as<messages::FileAttributesReply>().attributes.size, 2 * page_bytes + 5);
}

// No pComponent of ours sends such offsets.
TEST_F(MemoryFilesTest, WhatLiesBeyondAllFilesIsRefused) {
  const std::uint64_t changed = file(mount(), "f");
  EXPECT_EQ(write(changed, 0, "hello").size, 5u);
  messages::FilePunchRequest punch;
  punch.file = changed;
  using Range = std::pair<std::uint64_t, std::uint64_t>;
  for (const auto& [offset, bytes] :
       {Range{2 * page_bytes, 0 - page_bytes}, Range{~0ull - 5, 100}, Range{0, 1ull << 63}}) {
    punch.offset = offset;
    punch.bytes = bytes;
    EXPECT_EQ(ask(client, punch).error, Error::Malformed) << offset;
  }
  messages::FileWriteRequest far;
  far.file = changed;
  far.bytes = 1;
  const std::byte byte{1};
  for (const std::uint64_t offset : {~0ull, ~0ull << 12, (1ull << 63) - 1}) {
    far.offset = offset;
    EXPECT_EQ(ask(client, far, std::span(&byte, 1)).error, Error::Malformed) << offset;
  }
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 1u);
  EXPECT_EQ(write(changed, 5, "!").size, 6u);
}

TEST_F(MemoryFilesTest, WhatLosesItsNameGivesItsPagesBack) {
  const std::uint64_t root = mount();
  write(file(root, "old"), 0, "old");
  write(file(root, "new"), 0, "new");
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 2u);
  const std::string_view names = "newold";
  messages::FileRenameRequest rename;
  rename.old_directory = rename.new_directory = root;
  rename.old_name_bytes = rename.new_name_bytes = 3u;
  EXPECT_EQ(ask(client, rename, std::as_bytes(std::span(names))).error, Error::None);
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 1u);
  messages::FileUnlinkRequest unlink;
  unlink.directory = root;
  unlink.name_bytes = 3u;
  EXPECT_EQ(ask(client, unlink, std::as_bytes(std::span(names.substr(3)))).error, Error::None);
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 0u);
  EXPECT_EQ(monitor.frames_free(), monitor.frames_total());
}

TEST_F(MemoryFilesTest, HalfOfTheMemoryIsTheLimit) {
  const std::uint64_t root = mount(), big = file(root, "big"), other = file(root, "other");
  EXPECT_EQ(reserve(big, 30 * page_bytes), Error::None);
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 30u);
  EXPECT_EQ(reserve(big, 33 * page_bytes), Error::NoSpace);
  EXPECT_EQ(reserve(other, 3 * page_bytes), Error::NoSpace);
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 30u);
  EXPECT_EQ(reserve(other, 2 * page_bytes), Error::None);
  for (std::uint64_t page = 0; page < 20; ++page) write(big, page * page_bytes, "x");
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 32u);
}

// size= and nr_inodes= of one file system; another one is not concerned.
TEST_F(MemoryFilesTest, AFileSystemHasLimitsOfItsOwn) {
  const std::uint64_t root = mount(), free_root = mount(), some = file(root, "some");
  EXPECT_EQ(limit(root, 4, 3), Error::None);
  EXPECT_EQ(statistics(root).blocks, 4u);
  EXPECT_EQ(reserve(some, 5 * page_bytes), Error::NoSpace);
  EXPECT_EQ(reserve(some, 3 * page_bytes), Error::None);
  EXPECT_EQ(statistics(root).blocks_free, 1u);
  EXPECT_EQ(reserve(some, 3 * page_bytes), Error::None) << "they are there";
  EXPECT_EQ(reserve(some, ~std::uint64_t{0} >> 2), Error::NoSpace);
  EXPECT_EQ(write(some, 3 * page_bytes, "last").size, 3 * page_bytes + 4);
  messages::FileWriteRequest more;
  more.file = some;
  more.offset = 4 * page_bytes;
  more.bytes = 1;
  const std::byte byte{1};
  EXPECT_EQ(ask(client, more, std::span(&byte, 1)).error, Error::NoSpace);
  EXPECT_EQ(create_file(root, "second").error, Error::None);
  EXPECT_EQ(create_file(root, "third").error, Error::NoSpace);
  EXPECT_EQ(reserve(file(free_root, "f"), 10 * page_bytes), Error::None);

  EXPECT_EQ(limit(root, 3, 0), Error::InvalidArgument) << "four are used";
  EXPECT_EQ(limit(root, 0, 2), Error::InvalidArgument);
  EXPECT_EQ(limit(root, ~std::uint64_t{0}, ~std::uint64_t{0}), Error::None);
  EXPECT_EQ(reserve(some, 6 * page_bytes), Error::None);
  EXPECT_EQ(create_file(root, "third").error, Error::None);
}

// Nobody else waits for a long reservation, and a truncation gives all of it back.
TEST_F(MemoryFilesTest, WhatIsReservedIsZerosUntilItIsCutOff) {
  const std::uint64_t some = file(mount(), "some");
  EXPECT_EQ(reserve(some, 20 * page_bytes), Error::None);
  EXPECT_EQ(write(some, 19 * page_bytes, "end").blocks, 20 * 8u);
  messages::FileSetAttributesRequest cut;
  cut.file = some;
  cut.mask = static_cast<std::uint32_t>(messages::SetAttributes::Size);
  EXPECT_EQ(ask(client, cut).error, Error::None);
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 0u);
}

TEST_F(MemoryFilesTest, ItEndsWithItsProcessorAndWhenItIsUnmounted) {
  const std::uint64_t first = mount(), second = mount();
  write(file(first, "f"), 0, "x");
  write(file(second, "f"), 0, "x");
  messages::FileUnmountRequest unmount;
  unmount.root = first;
  EXPECT_EQ(ask(client, unmount).error, Error::None);
  EXPECT_EQ(create_file(first, "g").error, Error::Stale);
  EXPECT_EQ(counters()["page_cache.in_memory_pages"], 1u);
  end_processor(client.number);
  EXPECT_EQ(create_file(second, "g").error, Error::Stale);
  EXPECT_EQ(monitor.frames_free(), monitor.frames_total());
}

messages::SpaceChange change(messages::ChangeKind kind, std::uint64_t page, std::uint64_t pages) {
  messages::SpaceChange result;
  result.address = somewhere + page * page_bytes;
  result.bytes = pages * page_bytes;
  result.kind = static_cast<std::uint32_t>(kind);
  result.protection = 3u;
  return result;
}

TEST_F(MonitorTest, ChangesAreMadeInTheirOrderUpToOneThatCannotBe) {
  using messages::ChangeKind;
  const std::uint64_t space = create(client);
  const auto send = [&](std::vector<messages::SpaceChange> changes) {
    messages::SpaceChangesRequest request;
    request.space = space;
    request.count = static_cast<std::uint32_t>(changes.size());
    return ask(client, request, std::as_bytes(std::span(changes)));
  };
  managers.refuse = true;  // they are not asked
  const Answer all = send({change(ChangeKind::Map, 0, 8), change(ChangeKind::Unmap, 2, 2),
                           change(ChangeKind::Protect, 4, 4), change(ChangeKind::Map, 2, 1)});
  EXPECT_EQ(all.as<messages::SpaceChangesReply>().done, 4u);
  EXPECT_EQ(all.as<messages::SpaceChangesReply>().version, 4u);
  // Page 3 is a hole.
  const Answer some = send({change(ChangeKind::Unmap, 7, 1), change(ChangeKind::Protect, 2, 2)});
  EXPECT_EQ(some.as<messages::SpaceChangesReply>().done, 1u);
  EXPECT_EQ(send({change(ChangeKind::Protect, 2, 2)}).error, Error::NoMemory);
  messages::SpaceChange malformed = change(ChangeKind::Map, 0, 1);
  malformed.address = malformed.address + 1;
  EXPECT_EQ(send({malformed}).error, Error::Malformed);
  messages::SpaceChangesRequest request;
  request.space = space;
  request.count = 2u;
  EXPECT_EQ(ask(client, request).error, Error::Malformed);
}

}  // namespace
}  // namespace memory
