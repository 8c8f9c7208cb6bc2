// SPDX-License-Identifier: Apache-2.0
// An open POSIX message queue: a descriptor of mq_open(3), which can be polled and read as a text about the queue.
#pragma once

#include "linux-abi/files/open_file.h"
#include "linux-abi/process/vnode.h"

namespace linux_abi {

class QueueFile final : public OpenFile {
 public:
  static Answer<OpenFileReference> create(ipc::PosixQueueReference queue, processor::Reference<VNode> vnode, int flags);
  QueueFile(ipc::PosixQueueReference queue, processor::Reference<VNode> vnode, int flags)
      : OpenFile(flags), vnode_(std::move(vnode)), queue_(std::move(queue)) {}

  ipc::PosixQueue& queue() { return *queue_; }

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override;
  Answer<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller) override;
  Answer<FileStatus> status(Caller& caller) override;
  std::uint32_t poll_events() override { return queue_->poll_events(); }
  PollSource* poll_source() override { return &queue_->source(); }
  std::size_t describe(std::span<char> to, Caller&) override { return queue_->describe(to); }
  void descriptor_closed(std::uint64_t process) override { queue_->forget_notice(process); }
  QueueFile* queue_file() override { return this; }

 private:
  void close() override;
  const processor::Reference<VNode> vnode_;  // whose queue it is
  const ipc::PosixQueueReference queue_;
  std::atomic<std::uint64_t> position_{0};  // relaxed: readers that race get either part
};

}  // namespace linux_abi
