// SPDX-License-Identifier: Apache-2.0
// An sComponent and an mComponent under attack: see targets.h. The disk is an ext4 image in memory; the well-behaved
// conversation of check() goes through the mComponent to it and back.
#include <algorithm>

#include "kernel/base/log.h"
#include "memory/service/memory_monitor.h"
#include "net/messages/file.h"
#include "net/messages/managers.h"
#include "storage/ext4/file_system.h"
#include "storage/ext4/testing/image.h"
#include "storage/memory_store.h"
#include "storage/service/file_service.h"
#include "tests/fuzz/targets.h"

namespace fuzz {
namespace {

using base::Task;
using messages::Operation;

constexpr std::uint32_t frames = 2048;

constexpr Operation memory_operations[] = {
#define X(value, name, server) Operation::name,
    LEGO_OPERATIONS(X)
#undef X
};
// The list has the operations of memory and storage at its end.
constexpr std::span<const Operation> from(Operation first) {
  const std::span<const Operation> all(memory_operations);
  return all.subspan(static_cast<std::size_t>(std::ranges::find(all, first) - all.begin()));
}

// Made once; a small program in it, so that SpaceLoad has something to load.
const std::vector<std::byte>& intact_image() {
  static const std::vector<std::byte> bytes =
      ext4::testing::Image(8, "-b 1024", [](const std::string& folder) {
        ext4::testing::run_command("cp /bin/busybox " + folder + "/program && mkdir " + folder +
                                   "/dir && ln -s program " + folder + "/link");
      }).bytes();
  return bytes;
}

class MemoryMounter final : public storage::Mounter {
 public:
  base::Result<base::Own<storage::FileSystem>> mount(storage::Time now) override {
    auto system = TRY(ext4::FileSystem::mount(store, {.cache_blocks = 128, .first_generation = 1000u * ++mounts}, now));
    return base::Own<storage::FileSystem>(std::move(system));
  }
  storage::MemoryStore store;
  std::uint32_t mounts = 0;
};

// Stands in for the managers: the asking mComponent owns every vRegion.
struct OneOwner {
  Task<> assign(rpc::ServerCall& call, messages::VRegionAssignRequest request) {
    std::vector<messages::VRegionOwner> owners(request.count);
    for (std::size_t i = 0; i < owners.size() && (i + 1) * 8 <= call.tail().size(); ++i) {
      std::memcpy(static_cast<void*>(&owners[i].index), call.tail().data() + i * 8, 8);
      owners[i].node = call.peer().node.value();
      owners[i].ip = call.peer().ip;
      owners[i].boot_id = call.peer().boot_id.value();
    }
    messages::VRegionAssignReply reply;
    reply.count = request.count;
    co_return call.reply(reply, std::as_bytes(std::span(owners)));
  }
  Task<> release(rpc::ServerCall& call, messages::VRegionReleaseRequest) {
    co_return call.reply(messages::EmptyReply{});
  }
};

class ComponentsTarget final : public Target {
 public:
  explicit ComponentsTarget(std::uint64_t seed) : world_(seed) {
    base::set_log_level(base::LogLevel::Error);
    require(mounter_.store.bytes().append(std::span<const std::byte>(intact_image())).has_value(), "no image");
    files_ = std::move(*storage::FileService::create(storage_.loop, worker_, mounter_, *storage_.buffers,
                                                     messages::ComponentKind::Processor));
    files_->serve(storage_.server);
    storage_.serve();
    managers_.server.handle<messages::VRegionAssignRequest, &OneOwner::assign>(owner_);
    managers_.server.handle<messages::VRegionReleaseRequest, &OneOwner::release>(owner_);
    managers_.serve();
    monitor_ = std::make_unique<memory::MemoryMonitor>(memory_.loop, *memory_.endpoint, memory_.server, memory_.slabs,
                                                       managers_.address());
    const std::span<std::byte> given = memory_.allocate((frames + 1) * base::page_bytes);
    const std::size_t skip = -reinterpret_cast<std::uintptr_t>(given.data()) % base::page_bytes;
    require(monitor_->add_frames(given.data() + skip, frames, memory_.slabs.local(given)->lkey).has_value(),
            "no frames");
    for (int i = 0; i < 2; ++i)
      require(monitor_->add_staging(memory_.allocate(memory::FileStorage::max_read_bytes)).has_value(), "no staging");
    monitor_->joined(base::NodeId(memory_.number));
    monitor_->serve_excache(64);
    memory_.serve();
    at_storage_ = std::make_unique<Attacker>(world_, client_, client_.peer(storage_), from(Operation::FileMount));
    at_memory_ = std::make_unique<Attacker>(world_, client_, client_.peer(memory_), from(Operation::SpaceCreate));
    converse(prepare());
  }

  ~ComponentsTarget() override {
    at_storage_->finish();
    at_memory_->finish();
    world_.run_for(30 * base::second_ns);  // what was written is written back
    for (auto& node : world_.nodes) node->endpoint.reset();
    monitor_.reset();
    files_.reset();
  }

  void attack(std::span<const std::byte> bytes) override {
    Choices choices(bytes);
    (choices.one_in(3) ? at_storage_ : at_memory_)->attack(choices);
  }

  void check() override {
    at_storage_->finish();
    at_memory_->finish();
    converse(behave());
    Totals totals;
    collect(totals);
  }

  void collect(Totals& totals) override {
    add_up(totals, storage_, {at_storage_.get()});
    add_up(totals, memory_, {at_memory_.get()});
  }

 private:
  void converse(Task<> talk) {
    base::Error error = base::Error::Busy;
    base::spawn(std::move(talk), [&](base::Result<> result) { error = result ? base::Error::None : result.error(); });
    require(world_.run([&] { return error != base::Error::Busy; }), "a conversation does not end");
    if (error != base::Error::None) std::fprintf(stderr, "%s\n", base::error_name(error));
    require(error == base::Error::None, "who behaves is not served");
  }
  template <typename Request>
  auto ask(rpc::test::Node& server, const Request& request, std::span<const std::byte> tail = {},
           std::uint64_t vnode = well_behaved) {
    rpc::CallOptions options{.copied_tail = tail, .vnode = base::VNodeId(vnode)};
    options.bulk = *client_.slabs.remote(page_);
    return rpc::call(client_.loop, client_.peer(server), request, options);
  }
  messages::FileMountRequest mount_request() const {
    messages::FileMountRequest request;
    request.storage = storage_.number;
    request.storage_ip = storage_.ip();
    request.storage_boot_id = storage_.address().boot_id.value();
    return request;
  }

  // So that the attackers know a little to begin with.
  Task<> prepare() {
    CO_TRY(const auto at_storage, co_await ask(storage_, messages::FileMountRequest{}, {}, 1));
    at_storage_->known().learn(Operation::FileMount, std::as_bytes(std::span(&at_storage.body.root, 1)));
    CO_TRY(const auto at_memory, co_await ask(memory_, mount_request(), {}, 1));
    at_memory_->known().learn(Operation::FileMount, std::as_bytes(std::span(&at_memory.body.root.file, 1)));
    messages::FileLookupRequest look_up;
    look_up.directory = at_memory.body.root.file;
    look_up.name_bytes = 7;
    CO_TRY(const auto program, co_await ask(memory_, look_up, std::as_bytes(std::span("program", 7)), 1));
    at_memory_->known().program = program.body.attributes.file;
    CO_TRY(const auto space, co_await ask(memory_, messages::SpaceCreateRequest{}, {}, 1));
    at_memory_->known().learn(Operation::SpaceCreate, std::as_bytes(std::span(&space.body, 1)));
    co_return {};
  }

  // Another vNode, that nobody attacks: a page kept and fetched, a file looked up.
  Task<> behave() {
    CO_TRY(const auto space, co_await ask(memory_, messages::SpaceCreateRequest{}));
    messages::SpaceMapRequest map;
    map.space = space.body.space;
    map.bytes = base::page_bytes;
    map.protection = 3;
    CO_TRY(const auto mapped, co_await ask(memory_, map));
    CO_TRY_VOID(co_await keep_page(space.body.space, mapped.body.address));
    messages::PageFetchRequest fetch;
    fetch.tag.id = space.body.space;
    fetch.tag.page = mapped.body.address / base::page_bytes;
    std::ranges::fill(page_, std::byte{0});
    CO_TRY_VOID(co_await ask(memory_, fetch));
    require(std::ranges::all_of(page_, [](std::byte byte) { return byte == std::byte{0x42}; }), "a page was not kept");
    messages::SpaceDestroyRequest destroy;
    destroy.space = space.body.space;
    CO_TRY_VOID(co_await ask(memory_, destroy));

    CO_TRY(const auto root, co_await ask(memory_, mount_request()));
    messages::FileLookupRequest look_up;
    look_up.directory = root.body.root.file;
    look_up.name_bytes = 1;
    CO_TRY_VOID(co_await ask(memory_, look_up, std::as_bytes(std::span(".")).first(1)));
    messages::FileUnmountRequest unmount;
    unmount.root = root.body.root.file;
    CO_TRY_VOID(co_await ask(memory_, unmount));
    co_return {};
  }
  Task<> keep_page(std::uint64_t space, std::uint64_t address) {
    struct Tail {
      messages::WriteBackEntry entry;
      messages::PageTag tag;
      std::array<std::byte, base::page_bytes> content;
    } tail;
    tail.entry.tag_count = 1;
    tail.tag.id = space;
    tail.tag.page = address / base::page_bytes;
    tail.content.fill(std::byte{0x42});
    messages::PageWriteBackRequest request;
    request.page_count = request.tag_count = 1;
    CO_TRY_VOID(co_await ask(memory_, request, std::as_bytes(std::span(&tail, 1))));
    co_return {};
  }

  static constexpr std::uint64_t well_behaved = 1'000'000;
  MemoryMounter mounter_;
  storage::DirectWorker worker_;
  OneOwner owner_;
  rpc::test::LoopWorld world_;
  rpc::test::Node& storage_ = world_.add(1);
  rpc::test::Node& memory_ = world_.add(2);
  rpc::test::Node& managers_ = world_.add(3);
  rpc::test::Node& client_ = world_.add(4);
  std::span<std::byte> page_ = client_.allocate(base::page_bytes);
  base::Own<storage::FileService> files_;
  std::unique_ptr<memory::MemoryMonitor> monitor_;
  std::unique_ptr<Attacker> at_storage_;
  std::unique_ptr<Attacker> at_memory_;
};

}  // namespace

std::unique_ptr<Target> make_components_target(std::uint64_t seed) { return std::make_unique<ComponentsTarget>(seed); }

void add_up(Totals& totals, rpc::test::Node& server, std::initializer_list<const Attacker*> attackers) {
  std::uint64_t errors = 0, refused = 0;
  for (const Operation operation : memory_operations)
    errors += server.statistics.served(static_cast<std::uint16_t>(operation))->errors;
  for (const Attacker* attacker : attackers) {
    totals.sent += attacker->sent();
    totals.succeeded += attacker->succeeded();
    refused += attacker->refused();
    for (std::size_t i = 0; i < totals.successes.size(); ++i) totals.successes[i] += attacker->successes()[i];
  }
  const rpc::TrafficCounters& traffic = server.statistics.traffic;
  totals.refused += refused;
  totals.counted_errors += errors;
  totals.counted_malformed += traffic.malformed_requests;
  totals.counted_refusals += traffic.refused_requests;
  // Who may not even connect any more (it left, say) has all its calls refused by one counted refusal.
  const bool all_counted = errors + traffic.malformed_requests + traffic.refused_requests >= refused;
  require(all_counted || traffic.refused_connections > 0, "a refusal was not counted");
}

}  // namespace fuzz
