// SPDX-License-Identifier: Apache-2.0
// Whom an open file tells with a signal that it became ready (O_ASYNC, F_SETOWN, F_SETSIG), and who hears of a lease
// that is to end. A file has one once somebody asked for it. A change is noticed under the locks of whoever made it,
// below which no signal can be sent, so it is remembered; send_file_signals() sends what is, at the end of the call
// that made the change, or on the timer thread where there is none. Lock: owners_lock, rank PollWait.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "linux-abi/files/open_file.h"
#include "linux-abi/process/vnode.h"

namespace linux_abi {

class Thread;

// F_OWNER_*
enum class OwnerKind : std::int32_t { Thread = 0, Process = 1, Group = 2 };

// Of whom the signal is; number 0: of nobody.
struct OwnerName {
  OwnerKind kind = OwnerKind::Thread;
  int number = 0;
};

// A signal that is to be sent.
struct FileSignal {
  OwnerName to;
  int signal = 0;  // 0: SIGIO, without more
  int code = 0;    // POLL_*
  std::int32_t band = 0;
  int descriptor = 0;
  std::uint32_t uid = 0, effective_uid = 0;  // of who chose the owner
};

struct FileSignalTag;
using FileSignalHook = boost::intrusive::list_base_hook<boost::intrusive::tag<FileSignalTag>>;

class FileOwner final : public Watch, public FileEnd, public FileSignalHook {
 public:
  // Of this file; made if it has none. ENOMEM.
  static Answer<FileOwner*> of(OpenFile& file);

  explicit FileOwner(OpenFile& file) : file_(file) {}  // for of()

  // ESRCH: there is nobody of that name.
  Answer<> set(OwnerName name, Thread& by);
  // The process of `by`, unless there is an owner.
  void set_default(Thread& by);
  OwnerName get() const;
  void set_signal(int signal);
  int signal() const;
  // O_ASYNC: tells it of what becomes ready on this descriptor, or no more.
  void start(int descriptor);
  void stop();
  // F_SETLEASE, F_NOTIFY: the descriptor it is told with.
  void set_descriptor(int descriptor);
  // Tells it at once; no locks held.
  void tell(int code, std::int32_t band);
  // At the end of the call: something about the file (F_NOTIFY). Below locks up to rank Process.
  void remember_message();

  void notified(std::uint32_t events) override;
  void file_ended() override;

 private:
  friend void send_file_signals();
  FileSignal signal_locked(int code, std::int32_t band) const;
  void remember(std::uint32_t events);
  Answer<> check(OwnerName name, Thread& by) const;
  void become(OwnerName name, Thread& by);

  OpenFile& file_;
  // Guarded by owners_lock, as is the hook in the list of those that have something to send.
  OwnerName name_;
  processor::Reference<VNode> vnode_;
  std::uint32_t uid_ = 0, effective_uid_ = 0;
  int signal_ = 0;
  int descriptor_ = 0;
  bool watches_ = false;  // by poll_sets_mutex
  std::uint32_t pending_events_ = 0;
};

// Whether such a file tells its owner (FASYNC of Linux's files): pipes, sockets, terminals and inotify.
bool can_tell_owner(OpenFile& file);

// Sends what is remembered; without locks.
void send_file_signals();
// A look without a lock: somebody changed something since.
bool has_file_signals();

}  // namespace linux_abi
