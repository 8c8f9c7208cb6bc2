// SPDX-License-Identifier: Apache-2.0
// A file system at a vNode's home: see home_file_system.h.
#include "linux-abi/files/home_file_system.h"

#include "kernel/base/log.h"
#include "kernel/base/memory.h"
#include "linux-abi/files/home_node.h"

namespace linux_abi {

std::uint64_t HomeFileSystem::KeyOf::operator()(const HomeNode& node) const { return node.id(); }

struct HomeFileSystem::Table {
  Nodes nodes;
};

HomeFileSystem::HomeFileSystem(processor::Reference<processor::Family> family, const FileHome& home)
    : family_(std::move(family)), home_(home), table_(base::make<Table>()) {}

HomeFileSystem::~HomeFileSystem() { LEGO_ASSERT(!table_ || table_->nodes.empty()); }

void HomeFileSystem::retire(base::Own<HomeFileSystem> system) {
  if (!system || system->is_unused()) return;
  base::log_error("files", "a file is used after the end of its vNode");
  system->family_.reset();
  (void)system.release();
}

Answer<NodeReference> HomeFileSystem::mount(const rpc::NodeAddress& storage, processor::Sleeper& sleeper) {
  messages::FileMountRequest request{};
  request.storage = storage.node.value();
  request.storage_ip = storage.ip;
  request.storage_boot_id = storage.boot_id.value();
  return mount(request, sleeper);
}

Answer<NodeReference> HomeFileSystem::mount_in_memory(std::uint32_t permissions, processor::Sleeper& sleeper) {
  messages::FileMountRequest request{};
  request.in_memory = 1;
  request.permissions = permissions;
  return mount(request, sleeper);
}

Answer<> HomeFileSystem::limit(const MemoryOptions& options, processor::Sleeper& sleeper) {
  if (!options.max_bytes && !options.max_files) return {};
  constexpr std::uint64_t without = ~std::uint64_t{0};
  const auto bound = [](std::uint64_t value) { return value == 0 ? without : value; };
  messages::FileLimitRequest request;
  request.file = root_;
  if (options.max_bytes) {
    const std::uint64_t bytes = bound(*options.max_bytes);
    request.max_pages = bytes == without ? without : (bytes - 1) / base::page_bytes + 1;
  }
  if (options.max_files) request.max_files = bound(*options.max_files);
  TRY(ask(home_, request, sleeper));
  space_changed();
  return {};
}

Answer<NodeReference> HomeFileSystem::mount(const messages::FileMountRequest& request, processor::Sleeper& sleeper) {
  if (!table_) return error(ENOMEM);
  const messages::FileMountReply mounted = TRY(ask(home_, request, sleeper));
  in_memory_ = request.in_memory != 0;
  device_ = mounted.device;
  root_ = mounted.root.file;
  return NodeReference(*TRY(node(mounted.root)));
}

Answer<processor::Reference<HomeNode>> HomeFileSystem::node(const messages::FileAttributes& attributes) {
  auto fresh = base::make<HomeNode>(*this, attributes);
  if (!fresh) return error(ENOMEM);
  processor::Reference<HomeNode> known;
  {
    const base::SpinGuard guard(lock_);
    if (const auto found = table_->nodes.find(attributes.file.get()); found != table_->nodes.end()) {
      HomeNode& node = *found;
      if (processor::ReferenceCount<HomeNode>::try_take(node))
        known = processor::Reference<HomeNode>::adopt(node);
      else
        table_->nodes.erase(found);  // it is on its way out
    }
    if (!known) {
      table_->nodes.insert(*fresh);
      return processor::Reference<HomeNode>(*fresh.release());
    }
  }
  known->update(attributes);
  return known;
}

bool HomeFileSystem::is_unused() {
  const base::SpinGuard guard(lock_);
  return table_->nodes.empty();
}

processor::Reference<HomeNode> HomeFileSystem::known_node(std::uint64_t id) {
  const base::SpinGuard guard(lock_);
  const auto found = table_->nodes.find(id);
  if (found == table_->nodes.end() || !processor::ReferenceCount<HomeNode>::try_take(*found)) return {};
  return processor::Reference<HomeNode>::adopt(*found);
}

void HomeFileSystem::lost_a_name(const messages::FileAttributes& attributes) {
  if (attributes.links == 0) space_changed();
  const auto known = known_node(attributes.file);
  if (!known) return;
  known->update(attributes);
  known->listing().changed();
}

Answer<messages::FileStatisticsReply> HomeFileSystem::statistics(std::uint64_t id, processor::Sleeper& sleeper) {
  constexpr std::uint64_t good_for_ns = base::second_ns / 10;
  messages::FileStatisticsRequest request;
  request.file = id;
  if (in_memory_) processor::settle_endings(*family_, sleeper);
  const std::uint64_t changes = space_changes_.load(std::memory_order_relaxed);
  {
    const base::SpinGuard guard(lock_);
    if (sleeper.now_ns() < statistics_until_ns_ && changes == statistics_changes_) return statistics_;
  }
  const std::uint64_t began_ns = sleeper.now_ns();
  const messages::FileStatisticsReply reply = TRY(ask(home_, request, sleeper));
  const base::SpinGuard guard(lock_);
  statistics_ = reply;
  statistics_until_ns_ = began_ns + good_for_ns;
  statistics_changes_ = changes;
  return reply;
}

void HomeFileSystem::forget(HomeNode& node) {
  const base::SpinGuard guard(lock_);
  if (node.is_linked()) table_->nodes.erase(table_->nodes.iterator_to(node));
}

processor::Reference<HomeNode> HomeFileSystem::next_node(std::uint64_t after) {
  const base::SpinGuard guard(lock_);
  for (auto node = table_->nodes.upper_bound(after); node != table_->nodes.end(); ++node)
    if (processor::ReferenceCount<HomeNode>::try_take(*node)) return processor::Reference<HomeNode>::adopt(*node);
  return {};
}

Answer<> HomeFileSystem::flush_all(processor::Sleeper& sleeper) {
  Answer<> result;
  std::uint64_t last = 0;
  for (auto node = next_node(last); node; node = next_node(last)) {
    last = node->id();
    if (const Answer<> done = node->flush(sleeper); !done) result = done;
  }
  return result;
}

Answer<> HomeFileSystem::synchronize(Caller& caller) {
  TRY(flush_all(caller.sleeper()));
  TRY(ask(home_, messages::FileSyncRequest{}, caller.sleeper()));
  return {};
}

Answer<> HomeFileSystem::unmount(processor::Sleeper& sleeper) {
  messages::FileUnmountRequest request;
  request.root = root_;
  TRY(ask(home_, request, sleeper));
  return {};
}

}  // namespace linux_abi
