// SPDX-License-Identifier: Apache-2.0
// Descriptors of POSIX message queues: see queue_file.h.
#include "linux-abi/files/queue_file.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/format.h"
#include "linux-abi/files/node.h"

namespace linux_abi {
namespace {
constexpr std::uint64_t text_bytes = 80;  // that the kernel says such a file has
}

Answer<OpenFileReference> QueueFile::create(ipc::PosixQueueReference queue, processor::Reference<VNode> vnode,
                                            int flags) {
  auto file = base::make<QueueFile>(std::move(queue), std::move(vnode), flags);
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

void QueueFile::close() { base::Own<QueueFile>(this).reset(); }

Answer<std::size_t> QueueFile::read_at(std::uint64_t offset, std::span<std::byte> to, Caller&) {
  const ipc::PosixQueueStatus status = queue_->status();
  std::array<char, 128> buffer;
  const bool asked = status.notice.process != 0;
  // Fields as wide as in mq_overview(7).
  const auto padded = [](std::uint64_t value, std::size_t width, std::array<char, 24>& place) {
    place.fill(' ');
    const std::size_t digits = base::format(place, "{}", value).size();
    if (digits < place.size()) place[digits] = ' ';
    return std::string_view(place.data(), std::max(digits, width));
  };
  constexpr std::uint64_t none = 1, thread = 2;  // SIGEV_NONE, SIGEV_THREAD
  std::array<char, 24> bytes, kind, signal, pid;
  const std::uint64_t without_signal = status.notice.listener ? thread : none;
  const std::uint64_t how = asked && status.notice.signal == 0 ? without_signal : 0;
  const std::string_view text =
      base::format(buffer, "QSIZE:{} NOTIFY:{} SIGNO:{} NOTIFY_PID:{}\n", padded(status.bytes, 10, bytes),
                   padded(how, 5, kind), padded(static_cast<std::uint64_t>(status.notice.signal), 5, signal),
                   padded(static_cast<std::uint64_t>(status.notice.pid), 6, pid));
  if (offset >= text.size()) return std::size_t{0};
  const std::string_view rest = text.substr(offset);
  const std::size_t count = std::min(rest.size(), to.size());
  std::memcpy(to.data(), rest.data(), count);
  return count;
}

Answer<std::size_t> QueueFile::read(std::span<std::byte> to, Caller& caller) {
  const std::size_t count = TRY(read_at(position_.load(std::memory_order_relaxed), to, caller));
  position_.fetch_add(count, std::memory_order_relaxed);
  return count;
}

Answer<FileStatus> QueueFile::status(Caller&) {
  const ipc::PosixQueueStatus status = queue_->status();
  return FileStatus{
      .mode = file_mode::regular | status.mode, .links = 1, .uid = status.uid, .gid = status.gid, .bytes = text_bytes};
}

}  // namespace linux_abi
