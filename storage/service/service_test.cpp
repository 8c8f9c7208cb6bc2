// SPDX-License-Identifier: Apache-2.0
// The file messages end to end: clients and a server of net/rpc on a loopback fabric, an ext4 image behind the service.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "net/rpc/test_world.h"
#include "storage/ext4/testing/mounted.h"
#include "storage/service/file_service.h"

namespace storage {
namespace {

using base::Error;
using base::Result;
using base::Task;
using ext4::testing::error_of;
using ext4::testing::Image;

class ImageMounter final : public Mounter {
 public:
  explicit ImageMounter(const Image& image) : store(image.path()) {}
  Result<base::Own<FileSystem>> mount(Time now) override {
    ++mounts;
    auto system = TRY(ext4::FileSystem::mount(store, {.first_generation = 1000u * ++mounts}, now));
    return base::Own<FileSystem>(std::move(system));
  }
  ext4::testing::FileStore store;
  std::uint32_t mounts = 0;
};

// A client's conversation: a coroutine, run until its end.
class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() {
    server.buffers->blocks();
    service = std::move(
        *FileService::create(server.loop, worker, mounter, *server.buffers, messages::ComponentKind::Processor));
    service->serve(server.server);
    server.serve();
    bulk = client.allocate(65536);
  }
  ~ServiceTest() override {
    for (auto& node : world.nodes) node->endpoint.reset();
    service.reset();
  }

  template <typename Talk>
  void run(Talk talk) {
    Error error = Error::Busy;
    base::spawn(talk(), [&](Result<> result) { error = result ? Error::None : result.error(); });
    EXPECT_TRUE(world.run([&] { return error != Error::Busy; }));
    EXPECT_EQ(error, Error::None) << base::error_name(error);
  }

  static std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
  rpc::Peer& peer() { return client.peer(server); }

  template <typename Request>
  auto ask(const Request& request, std::string_view tail = {}, std::span<std::byte> into = {}) {
    rpc::CallOptions options{.copied_tail = bytes(tail)};
    if (!into.empty()) options.bulk = *client.slabs.remote(into);
    return rpc::call(client.loop, peer(), request, options);
  }
  Task<std::uint64_t> mount() {
    CO_TRY(const auto reply, co_await ask(messages::FileMountRequest{}));
    co_return reply.body.root.file.get();
  }
  Task<std::uint64_t> make(std::uint64_t directory, std::string_view name, std::uint32_t mode, bool hold = false) {
    messages::FileCreateRequest request;
    request.directory = directory;
    request.mode = mode;
    request.name_bytes = static_cast<std::uint32_t>(name.size());
    request.hold = hold ? 1 : 0;
    CO_TRY(const auto reply, co_await ask(request, name));
    co_return reply.body.attributes.file.get();
  }
  Task<> write(std::uint64_t file, std::uint64_t offset, std::string_view text) {
    messages::FileWriteRequest request;
    request.file = file;
    request.offset = offset;
    request.bytes = static_cast<std::uint32_t>(text.size());
    CO_TRY_VOID(co_await ask(request, text));
    co_return {};
  }
  Task<std::string_view> read(std::uint64_t file, std::uint64_t offset, std::uint32_t count) {
    messages::FileReadRequest request;
    request.file = file;
    request.offset = offset;
    request.bytes = count;
    CO_TRY(const auto reply, co_await ask(request, {}, bulk));
    co_return std::string_view(reinterpret_cast<const char*>(bulk.data()), reply.body.bytes);
  }
  Task<messages::FileAttributes> unlink(std::uint64_t directory, std::string_view name) {
    messages::FileUnlinkRequest request;
    request.directory = directory;
    request.name_bytes = static_cast<std::uint32_t>(name.size());
    CO_TRY(const auto reply, co_await ask(request, name));
    co_return reply.body.attributes;
  }
  Task<> unmount(std::uint64_t root) {
    messages::FileUnmountRequest request;
    request.root = root;
    CO_TRY_VOID(co_await ask(request));
    co_return {};
  }

  Image image{16};
  ImageMounter mounter{image};
  DirectWorker worker;
  rpc::test::LoopWorld world{42};
  rpc::test::Node& server = world.add(1);
  rpc::test::Node& client = world.add(2);
  rpc::test::Node& other = world.add(3);
  base::Own<FileService> service;
  std::span<std::byte> bulk;
};

constexpr std::uint32_t regular = mode::regular | 0644, directory_mode = mode::directory | 0755;

TEST_F(ServiceTest, AConversation) {
  run([this]() -> Task<> {
    CO_TRY(const auto root, co_await mount());
    CO_TRY(const auto directory, co_await make(root, "d", directory_mode));
    CO_TRY(const auto file, co_await make(directory, "file", regular));
    CO_TRY_VOID(co_await write(file, 0, "hello, "));
    CO_TRY_VOID(co_await write(file, 7, "world"));
    CO_TRY(const auto text, co_await read(file, 0, 100));
    EXPECT_EQ(text, "hello, world");
    CO_TRY(const auto end, co_await read(file, 12, 100));
    EXPECT_EQ(end, "");

    messages::FileLookupRequest lookup;
    lookup.directory = directory;
    lookup.name_bytes = 4;
    CO_TRY(const auto found, co_await ask(lookup, "file"));
    EXPECT_EQ(found.body.attributes.file, file);
    EXPECT_EQ(found.body.attributes.size, 12u);

    messages::FileSetAttributesRequest changes;
    changes.file = file;
    changes.mask = static_cast<std::uint32_t>(messages::SetAttributes::Mode) |
                   static_cast<std::uint32_t>(messages::SetAttributes::Size);
    changes.mode = 0600;
    changes.size = 5;
    CO_TRY(const auto changed, co_await ask(changes));
    EXPECT_EQ(changed.body.attributes.mode, mode::regular | 0600u);
    EXPECT_EQ(changed.body.attributes.size, 5u);

    messages::FileRenameRequest rename;
    rename.old_directory = directory;
    rename.new_directory = root;
    rename.old_name_bytes = 4;
    rename.new_name_bytes = 5;
    CO_TRY(const auto renamed, co_await ask(rename, "filemoved"));
    EXPECT_EQ(renamed.body.attributes.file, 0u) << "nobody lost a name";

    messages::FileLinkRequest link;
    link.file = file;
    link.directory = directory;
    link.name_bytes = 6;
    CO_TRY(const auto linked, co_await ask(link, "second"));
    EXPECT_EQ(linked.body.attributes.links, 2u);

    messages::FileReserveRequest reserve;
    reserve.file = file;
    reserve.bytes = 100'000;
    CO_TRY_VOID(co_await ask(reserve));
    messages::FileStatisticsRequest statistics;
    statistics.file = root;
    CO_TRY(const auto numbers, co_await ask(statistics));
    EXPECT_EQ(numbers.body.file_system_type, 0xef53u);
    messages::FileSyncRequest sync;
    CO_TRY_VOID(co_await ask(sync));
    EXPECT_EQ(image.debugfs_after_replay("cat /moved"), "hello");
    co_return co_await unmount(root);
  });
  EXPECT_FALSE(service->mounted());
  EXPECT_EQ(image.check(), "");
  EXPECT_EQ(image.debugfs("cat /d/second"), "hello");
}

TEST_F(ServiceTest, SymbolicLinksAndDirectories) {
  run([this]() -> Task<> {
    CO_TRY(const auto root, co_await mount());
    const std::string target(3000, 't');
    messages::FileCreateRequest create;
    create.directory = root;
    create.mode = mode::symlink | 0777;
    create.name_bytes = 4;
    create.target_bytes = 200;
    CO_TRY(const auto made, co_await ask(create, "link" + target.substr(0, 200)));
    messages::FileReadLinkRequest read_link;
    read_link.file = made.body.attributes.file;
    CO_TRY(const auto link, co_await ask(read_link));
    EXPECT_EQ(link.tail().size(), 200u);

    for (int i = 0; i < 50; ++i) CO_TRY_VOID(co_await make(root, "entry" + std::to_string(i), regular));
    std::set<std::string> names;
    messages::FileReadDirectoryRequest read;
    read.directory = root;
    for (bool end = false; !end;) {
      CO_TRY(const auto entries, co_await ask(read, {}, bulk.first(400)));
      end = entries.body.end != 0;
      for (std::size_t at = 0; at < entries.body.bytes;) {
        messages::DirectoryEntry entry;
        std::memcpy(&entry, bulk.data() + at, sizeof(entry));
        EXPECT_TRUE(
            names.emplace(reinterpret_cast<const char*>(bulk.data() + at) + sizeof(entry), entry.name_bytes).second);
        read.cookie = entry.cookie;
        at += entry.entry_bytes;
      }
    }
    EXPECT_EQ(names.size(), 54u);
    const auto too_small = co_await ask(read, {}, bulk.first(16));
    EXPECT_EQ(error_of(too_small), Error::None) << "the end needs no room";
    read.cookie = 0;
    const auto no_room = co_await ask(read, {}, bulk.first(16));
    EXPECT_EQ(error_of(no_room), Error::InvalidArgument);
    co_return co_await unmount(root);
  });
  EXPECT_EQ(image.check(), "");
}

TEST_F(ServiceTest, OnlyWhoHasMountedIsServed) {
  run([this]() -> Task<> {
    EXPECT_EQ(error_of(co_await make(2, "file", regular)), Error::Stale);
    CO_TRY(const auto root, co_await mount());
    messages::FileGetAttributesRequest attributes;
    attributes.file = root;
    const auto stranger = co_await rpc::call(other.loop, other.peer(server), attributes);
    EXPECT_EQ(error_of(stranger), Error::NotPermitted);
    CO_TRY_VOID(co_await unmount(root));
    EXPECT_EQ(error_of(co_await unmount(root)), Error::InvalidArgument);
    co_return {};
  });
}

TEST_F(ServiceTest, TailsMustBeWhatTheRequestSays) {
  run([this]() -> Task<> {
    CO_TRY(const auto root, co_await mount());
    CO_TRY(const auto file, co_await make(root, "file", regular));
    messages::FileWriteRequest write_request;
    write_request.file = file;
    write_request.bytes = 10;
    EXPECT_EQ(error_of(co_await ask(write_request, "short")), Error::Malformed);
    messages::FileLookupRequest lookup;
    lookup.directory = root;
    lookup.name_bytes = 200;
    EXPECT_EQ(error_of(co_await ask(lookup, "file")), Error::Malformed);
    messages::FileRenameRequest rename;
    rename.old_directory = root;
    rename.new_directory = root;
    rename.old_name_bytes = 4;
    rename.new_name_bytes = 4;
    EXPECT_EQ(error_of(co_await ask(rename, "file")), Error::Malformed);
    EXPECT_EQ(error_of(co_await unlink(root, "a/b")), Error::InvalidArgument);
    co_return {};
  });
}

TEST_F(ServiceTest, HoldsAreTheirClients) {
  run([this]() -> Task<> {
    CO_TRY(const auto root, co_await mount());
    CO_TRY(const auto file, co_await make(root, "file", regular, true));
    CO_TRY_VOID(co_await write(file, 0, "held"));
    CO_TRY(const auto gone, co_await unlink(root, "file"));
    EXPECT_EQ(gone.links, 0u);
    CO_TRY(const auto text, co_await read(file, 0, 100));
    EXPECT_EQ(text, "held");
    messages::FileReleaseRequest release;
    release.file = file;
    release.count = 1;
    const auto stranger = co_await rpc::call(other.loop, other.peer(server), release);
    EXPECT_EQ(error_of(stranger), Error::InvalidArgument);
    CO_TRY_VOID(co_await ask(release));
    EXPECT_EQ(error_of(co_await read(file, 0, 100)), Error::Stale);
    co_return co_await unmount(root);
  });
  EXPECT_EQ(image.check(), "");
}

TEST_F(ServiceTest, ADeadClientLeavesAnImageThatIsClean) {
  run([this]() -> Task<> {
    CO_TRY(const auto root, co_await mount());
    for (const char* name : {"a", "b"}) {
      CO_TRY(const auto file, co_await make(root, name, regular, true));
      CO_TRY_VOID(co_await write(file, 0, "held"));
      CO_TRY_VOID(co_await unlink(root, name));
    }
    co_return {};
  });
  service->client_died(base::BootId(1000 + client.number));
  world.run_for(base::second_ns);
  EXPECT_FALSE(service->mounted());
  EXPECT_EQ(image.check(), "");
}

TEST_F(ServiceTest, ChangesReachTheDiskBeforeLong) {
  std::uint64_t writes = 0;
  run([&, this]() -> Task<> {
    CO_TRY(const auto root, co_await mount());
    CO_TRY_VOID(co_await make(root, "file", regular));
    writes = mounter.store.writes;
    co_return {};
  });
  EXPECT_NE(image.debugfs("stat /file").find("File not found"), 0u);
  world.run_for(20 * base::second_ns);
  EXPECT_GT(mounter.store.writes, writes);
  EXPECT_NE(image.debugfs_after_replay("stat /file").find("Type: regular"), std::string::npos);
}

TEST_F(ServiceTest, AMountThatFailsCanBeRepeated) {
  mounter.store.fails = [] { return true; };
  run([this]() -> Task<> {
    EXPECT_EQ(error_of(co_await mount()), Error::IoError);
    mounter.store.fails = nullptr;
    CO_TRY(const auto root, co_await mount());
    co_return co_await unmount(root);
  });
  EXPECT_EQ(image.check(), "");
}

}  // namespace
}  // namespace storage
