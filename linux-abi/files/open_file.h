// SPDX-License-Identifier: Apache-2.0
// An open file description (what descriptors refer to; shared by dup and fork): a regular file, directory, pipe end,
// socket, terminal, event source. Kernel buffers only: system calls copy to and from user memory in pieces. Everything
// that a kind of file cannot do has the error that Linux gives as its default here. Blocking calls sleep through the
// Sleeper and return EINTR's restart code (restart_always) when a signal came first.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <span>

#include "kernel/threads/mutex.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/files/poll_source.h"
#include "linux-abi/files/status.h"
#include "processor/reference.h"
#include "processor/shared_object.h"

namespace linux_abi {

class Epoll;
class FileOwner;
class InotifyFile;
class OpenFile;
class Node;
class PipeBuffer;
class Place;
class ProcessFile;
class QueueFile;
class SignalFile;
class Socket;
class TimerFile;
using OpenFileReference = processor::Reference<OpenFile>;

// Who must know when an open file ends without keeping it open: the entries of epolls.
struct FileEndTag;
class FileEnd : public boost::intrusive::list_base_hook<boost::intrusive::tag<FileEndTag>> {
 public:
  // The last reference is gone, the file is still whole. Takes itself off the file. poll_sets_mutex is held.
  virtual void file_ended() = 0;

 protected:
  ~FileEnd() = default;
};

// Guards which files are in which epoll, for all of them: files and epolls end in any order.
inline threads::Mutex poll_sets_mutex;

// Where a write goes: at an offset, or else at the file's own position, which moves; with `appends` to its end.
struct WritePlace {
  bool has_offset = false;
  std::uint64_t offset = 0;
  bool appends = false;
};

class OpenFile : public processor::Counted {
 public:
  // flags: the O_* flags given to open, access mode included, creation flags removed.
  explicit OpenFile(int flags) : flags_(flags) {}

  int flags() const { return flags_.load(std::memory_order_relaxed); }
  void set_flags(int flags) { flags_.store(flags, std::memory_order_relaxed); }
  bool readable() const;
  bool writable() const;
  bool non_blocking() const;

  // At the file's own position, which they move, if it has one. read: 0 at the end. write: may be partial.
  virtual Answer<std::size_t> read(std::span<std::byte> to, Caller& caller);           // EINVAL
  virtual Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller);  // EINVAL
  // pread, pwrite: ESPIPE without positions.
  virtual Answer<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller);
  virtual Answer<std::size_t> write_at(std::uint64_t offset, std::span<const std::byte> from, Caller& caller);
  // pwritev2 that says whether to append, whatever the file's flags say: as the others where nothing can be appended.
  virtual Answer<std::size_t> write_to(const WritePlace& place, std::span<const std::byte> from, Caller& caller);
  virtual Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller& caller);  // ESPIPE
  // A read or write may go on after a full piece without blocking for more (regular files).
  virtual bool continues() const { return false; }
  // Each write is a message of its own, and a read takes one (datagrams): calls hand them over whole.
  virtual bool keeps_messages() const { return false; }

  virtual Answer<FileStatus> status(Caller& caller) = 0;
  // By /proc/self/fd/N, of a file without a place; ENXIO, as of sockets.
  virtual Answer<OpenFileReference> open_again(int flags, Caller& caller);
  virtual Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller);  // ENOTTY
  // Ready events now (POLLIN...); files that are always ready say so. source(): what tells of changes; null: never.
  virtual std::uint32_t poll_events() { return poll_always_ready; }
  virtual PollSource* poll_source() { return nullptr; }
  // What mmap maps; ENODEV.
  virtual Answer<processor::Reference<processor::SharedObject>> mappable(Caller& caller);
  // A mapping of it is one of no file (/dev/zero).
  virtual bool maps_as_anonymous() const { return false; }
  // Entries for getdents64 (linux_dirent64), moving the position; ENOTDIR.
  virtual Answer<std::size_t> read_directory(std::span<std::byte> to, Caller& caller);
  // F_GET_SEALS and F_ADD_SEALS: what is sealed after adding these; EINVAL where there are no seals.
  virtual Answer<std::uint32_t> add_seals(std::uint32_t seals);
  // Nobody may write to it any more, and so not map it for that.
  virtual bool write_sealed() const { return false; }
  // From now on, until it is closed, a program: ETXTBSY if somebody has it open for writing.
  virtual Answer<> execute() { return {}; }
  virtual Answer<> truncate(std::uint64_t bytes, Caller& caller);                                  // EINVAL
  virtual Answer<> allocate(int mode, std::uint64_t offset, std::uint64_t bytes, Caller& caller);  // ENODEV
  virtual Answer<> synchronize(bool data_only, Caller& caller);                                    // EINVAL
  // "/tmp/x", "pipe:[5]": for /proc/self/fd and maps.
  virtual std::size_t describe(std::span<char> to, Caller& caller) = 0;
  // Where it was found, and what it is; nullptr for pipes and the like.
  virtual Place* place() { return nullptr; }
  virtual Node* node() { return nullptr; }
  // What calls of one kind of file look for.
  virtual PipeBuffer* pipe() { return nullptr; }  // F_SETPIPE_SZ
  virtual Epoll* epoll() { return nullptr; }
  virtual InotifyFile* inotify() { return nullptr; }
  virtual TimerFile* timer() { return nullptr; }
  virtual SignalFile* signal_file() { return nullptr; }
  virtual ProcessFile* process_file() { return nullptr; }
  virtual QueueFile* queue_file() { return nullptr; }
  virtual Socket* socket() { return nullptr; }
  virtual bool is_terminal() const { return false; }
  // A descriptor of this process was closed: its POSIX record locks on the file end, and notices of a directory.
  virtual void descriptor_closed(std::uint64_t process);

  // With poll_sets_mutex, by somebody who has a reference.
  void add_end(FileEnd& end);
  void remove_end(FileEnd& end);

  // Whom it tells with signals (file_owner.h); nullptr: nobody asked for it yet. set: once, with poll_sets_mutex.
  FileOwner* owner() const { return owner_.load(std::memory_order_acquire); }
  void set_owner(FileOwner* owner) { owner_.store(owner, std::memory_order_release); }

  // open(2) has made it of its place: who watches that is told what happens to it, up to its end.
  void opened();
  bool was_opened() const { return opened_; }

  void last_reference_gone();

  virtual ~OpenFile() = default;  // by close() alone

 protected:
  // The last reference is gone: deletes the object. May sleep.
  virtual void close() = 0;

 private:
  std::atomic<int> flags_;
  bool opened_ = false;  // constant once it is somebody's
  std::atomic<FileOwner*> owner_{nullptr};
  std::atomic<bool> has_ends_{false};  // relaxed: set by holders of references, read when there are none
  boost::intrusive::list<
      FileEnd, boost::intrusive::base_hook<boost::intrusive::list_base_hook<boost::intrusive::tag<FileEndTag>>>>
      ends_;  // guarded by poll_sets_mutex
};

}  // namespace linux_abi
