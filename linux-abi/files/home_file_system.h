// SPDX-License-Identifier: Apache-2.0
// A file system of a vNode that its home mComponent serves, be it the root or one in memory: the nodes that are known
// here by their ids, each once. While the vNode runs on this pComponent nobody else changes its files, so attributes
// and names stay good until a call made here changes them.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "linux-abi/files/home_call.h"
#include "linux-abi/files/mount_options.h"
#include "linux-abi/files/node.h"
#include "processor/process.h"
#include "processor/shared_object.h"

namespace linux_abi {

class HomeNode;

class HomeFileSystem {
 public:
  HomeFileSystem(processor::Reference<processor::Family> family, const FileHome& home);
  HomeFileSystem(const HomeFileSystem&) = delete;
  HomeFileSystem& operator=(const HomeFileSystem&) = delete;
  ~HomeFileSystem();  // no node is left
  // Ends it when its vNode is taken apart. A node that somebody still has then is our mistake, which must not take the
  // component with it: the node finds its file system there, for ever.
  static void retire(base::Own<HomeFileSystem> system);

  const FileHome& home() const { return home_; }
  processor::Family& family() const { return *family_; }
  std::uint64_t device() const { return device_; }

  // FileMount at the home of what this sComponent stores; the root's node.
  Answer<NodeReference> mount(const rpc::NodeAddress& storage, processor::Sleeper& sleeper);
  // An empty one in the home's memory (tmpfs), with these permissions of its root.
  Answer<NodeReference> mount_in_memory(std::uint32_t permissions, processor::Sleeper& sleeper);
  // What one in memory may hold, if the options say so. EINVAL: it holds more.
  Answer<> limit(const MemoryOptions& options, processor::Sleeper& sleeper);
  bool in_memory() const { return in_memory_; }
  // ask() for what takes room: a full file system is asked once more after what was given up has been given back.
  template <messages::Body Request>
  Answer<typename Request::Reply> ask_for_room(const Request& request, processor::Sleeper& sleeper,
                                               std::span<const std::byte> tail = {}) {
    auto reply = ask(home_, request, sleeper, tail);
    if (reply || reply.error() != ENOSPC) return reply;
    processor::settle_endings(*family_, sleeper);
    return ask(home_, request, sleeper, tail);
  }
  // No node of it is known here.
  bool is_unused();
  // The node of a file: known, or made from what the home said of it, which is newer than what was known.
  Answer<processor::Reference<HomeNode>> node(const messages::FileAttributes& attributes);
  // Empty if it is not known here.
  processor::Reference<HomeNode> known_node(std::uint64_t id);
  // Whoever has the file open sees its links.
  void lost_a_name(const messages::FileAttributes& attributes);
  // What statfs says. As on Linux it may lag a little behind: an answer serves for a tenth of a second, unless a call
  // here took or gave space since. id: any file of it.
  Answer<messages::FileStatisticsReply> statistics(std::uint64_t id, processor::Sleeper& sleeper);
  void space_changed() { space_changes_.fetch_add(1, std::memory_order_relaxed); }
  // Writes everything back to the home and to the disk.
  Answer<> synchronize(Caller& caller);
  // The same at the end, when no process is left.
  Answer<> flush_all(processor::Sleeper& sleeper);
  Answer<> unmount(processor::Sleeper& sleeper);

 private:
  friend class HomeNode;
  Answer<NodeReference> mount(const messages::FileMountRequest& request, processor::Sleeper& sleeper);
  void forget(HomeNode& node);
  processor::Reference<HomeNode> next_node(std::uint64_t after);

  struct KeyOf {
    using type = std::uint64_t;
    type operator()(const HomeNode& node) const;
  };
  using Nodes = boost::intrusive::set<HomeNode, boost::intrusive::key_of_value<KeyOf>>;

  processor::Reference<processor::Family> family_;
  FileHome home_;
  std::uint64_t device_ = 0;
  std::uint64_t root_ = 0;
  bool in_memory_ = false;
  // Counted by every write to a file in memory, so without a lock. Pairs with nothing: who changed something sees it.
  std::atomic<std::uint64_t> space_changes_{0};
  base::SpinLock lock_{base::LockRank::Poll};  // guards all below
  messages::FileStatisticsReply statistics_{};
  std::uint64_t statistics_until_ns_ = 0;
  std::uint64_t statistics_changes_ = 0;  // how many changes they know of
  struct Table;
  base::Own<Table> table_;
};

}  // namespace linux_abi
