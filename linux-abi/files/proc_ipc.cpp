// SPDX-License-Identifier: Apache-2.0
// /proc/sysvipc, the limits of System V objects in /proc/sys/kernel and those of POSIX message queues in
// /proc/sys/fs/mqueue: see proc_texts.h.
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

// The columns are those of proc_sysvipc(5), set off by blanks; readers split at blanks.
class Octal {
 public:
  explicit Octal(std::uint32_t value) {
    std::size_t at = text_.size();
    do text_[--at] = static_cast<char>('0' + value % 8);
    while ((value /= 8) != 0);
    start_ = at;
  }
  std::string_view text() const { return {text_.data() + start_, text_.size() - start_}; }

 private:
  std::array<char, 12> text_{};
  std::size_t start_ = 0;
};

ipc::Space& space_of(Caller& caller) { return static_cast<Thread&>(caller).process().vnode().ipc; }

}  // namespace

Answer<> proc_ipc_messages(TextWriter& out, int, Caller& caller) {
  TRY(out.add_text(
      "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      "
      "rtime      ctime\n"));
  ipc::MessageQueues& queues = space_of(caller).messages;
  for (std::size_t place = 0; place < queues.totals().places; ++place) {
    const auto queue = queues.status_at(place, nullptr);
    if (!queue) continue;
    const ipc::Permissions& owner = queue->permissions;
    TRY(out.add("{} {} {} {} {} {} {} ", owner.key, queue->id, Octal(owner.mode).text(), queue->bytes, queue->messages,
                queue->sender_pid, queue->receiver_pid));
    TRY(out.add("{} {} {} {} {} {} {}\n", owner.uid, owner.gid, owner.creator_uid, owner.creator_gid,
                queue->sent_seconds, queue->received_seconds, queue->changed_seconds));
  }
  return {};
}

Answer<> proc_ipc_semaphores(TextWriter& out, int, Caller& caller) {
  TRY(out.add_text("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"));
  ipc::Semaphores& semaphores = space_of(caller).semaphores;
  for (std::size_t place = 0; place < semaphores.places(); ++place) {
    const auto set = semaphores.status_at(place, nullptr);
    if (!set) continue;
    const ipc::Permissions& owner = set->permissions;
    TRY(out.add("{} {} {} {} {} {} {} {} {} {}\n", owner.key, set->id, Octal(owner.mode).text(), set->count, owner.uid,
                owner.gid, owner.creator_uid, owner.creator_gid, set->operated_seconds, set->changed_seconds));
  }
  return {};
}

Answer<> proc_ipc_segments(TextWriter& out, int, Caller& caller) {
  TRY(
      out.add_text("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      "
                   "atime      dtime      ctime                   rss                  swap\n"));
  ipc::Segments& segments = space_of(caller).segments;
  VNode& vnode = static_cast<Thread&>(caller).process().vnode();
  for (std::size_t place = 0; place < segments.places(); ++place) {
    const auto segment = segments.status_at(place, nullptr, vnode);
    if (!segment) continue;
    const ipc::Permissions& owner = segment->permissions;
    TRY(out.add("{} {} {} {} {} {} {} {} {} {} {} ", owner.key, segment->id, Octal(owner.mode).text(), segment->bytes,
                segment->creator_pid, segment->last_pid, segment->attachments, owner.uid, owner.gid, owner.creator_uid,
                owner.creator_gid));
    TRY(out.add("{} {} {} {} 0\n", segment->attached_seconds, segment->detached_seconds, segment->changed_seconds,
                segment->bytes));
  }
  return {};
}

namespace {

constexpr std::uint64_t most_places = std::uint64_t{1} << ipc::place_bits;

template <typename Objects>
Answer<> take_most(Objects& objects, std::string_view text) {
  const std::uint64_t most = TRY(decimal_in(text));
  if (most > most_places) return error(EINVAL);
  ipc::Settings settings = objects.settings();
  settings.most = most;
  objects.change(settings);
  return {};
}

template <typename Objects>
Answer<> take_next_id(Objects& objects, std::string_view text) {
  ipc::Settings settings = objects.settings();
  if (text.starts_with("-1")) {
    settings.next_id = -1;
  } else {
    const std::uint64_t id = TRY(decimal_in(text));
    if (id > 0x3fffffff) return error(EINVAL);
    settings.next_id = static_cast<int>(id);
  }
  objects.change(settings);
  return {};
}

}  // namespace

Answer<> proc_sys_segment_bytes(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", space_of(caller).segments.most_bytes());
}
Answer<> store_segment_bytes(std::string_view text, int, Caller& caller) {
  const std::uint64_t bytes = TRY(decimal_in(text));
  space_of(caller).segments.set_most_bytes(bytes);
  return {};
}
Answer<> proc_sys_all_segment_bytes(TextWriter& out, int, Caller&) { return out.add("{}\n", ipc::max_segment_bytes); }
Answer<> proc_sys_segments(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", space_of(caller).segments.settings().most);
}
Answer<> store_segments(std::string_view text, int, Caller& caller) {
  return take_most(space_of(caller).segments, text);
}
Answer<> proc_sys_queues(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", space_of(caller).messages.settings().most);
}
Answer<> store_queues(std::string_view text, int, Caller& caller) { return take_most(space_of(caller).messages, text); }
Answer<> proc_sys_next_segment(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", space_of(caller).segments.settings().next_id);
}
Answer<> store_next_segment(std::string_view text, int, Caller& caller) {
  return take_next_id(space_of(caller).segments, text);
}
Answer<> proc_sys_next_queue(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", space_of(caller).messages.settings().next_id);
}
Answer<> store_next_queue(std::string_view text, int, Caller& caller) {
  return take_next_id(space_of(caller).messages, text);
}
Answer<> proc_sys_next_set(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", space_of(caller).semaphores.settings().next_id);
}
Answer<> store_next_set(std::string_view text, int, Caller& caller) {
  return take_next_id(space_of(caller).semaphores, text);
}
Answer<> proc_sys_message_bytes(TextWriter& out, int, Caller&) { return out.add("{}\n", ipc::max_message_bytes); }
Answer<> proc_sys_queue_bytes(TextWriter& out, int, Caller&) { return out.add("{}\n", ipc::max_queue_bytes); }
Answer<> proc_sys_semaphores(TextWriter& out, int, Caller&) {
  return out.add("{}\t{}\t{}\t{}\n", ipc::max_semaphores, ipc::max_semaphores_of_all, ipc::max_operations,
                 ipc::max_semaphore_sets);
}

namespace {

ipc::PosixQueueSettings posix_settings(Caller& caller) { return space_of(caller).posix_queues.settings(); }

// One number of the settings, between two limits.
Answer<> change_posix(std::string_view text, Caller& caller, std::uint64_t least, std::uint64_t most,
                      std::uint64_t& (*which)(ipc::PosixQueueSettings&)) {
  const std::uint64_t number = TRY(decimal_in(text));
  if (number < least || number > most) return error(EINVAL);
  ipc::PosixQueueSettings settings = posix_settings(caller);
  which(settings) = number;
  space_of(caller).posix_queues.change(settings);
  return {};
}

}  // namespace

Answer<> proc_sys_posix_queues(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", posix_settings(caller).most_queues);
}
Answer<> proc_sys_posix_messages(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", posix_settings(caller).most.messages);
}
Answer<> proc_sys_posix_bytes(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", posix_settings(caller).most.message_bytes);
}
Answer<> proc_sys_posix_default_messages(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", posix_settings(caller).by_default.messages);
}
Answer<> proc_sys_posix_default_bytes(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", posix_settings(caller).by_default.message_bytes);
}
Answer<> store_posix_queues(std::string_view text, int, Caller& caller) {
  return change_posix(text, caller, 0, 0x7fffffff, [](auto& to) -> std::uint64_t& { return to.most_queues; });
}
Answer<> store_posix_messages(std::string_view text, int, Caller& caller) {
  return change_posix(text, caller, 1, 65536, [](auto& to) -> std::uint64_t& { return to.most.messages; });
}
Answer<> store_posix_bytes(std::string_view text, int, Caller& caller) {
  return change_posix(text, caller, 128, 16 << 20, [](auto& to) -> std::uint64_t& { return to.most.message_bytes; });
}

}  // namespace linux_abi
