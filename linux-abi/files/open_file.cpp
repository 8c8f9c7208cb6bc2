// SPDX-License-Identifier: Apache-2.0
// What a kind of file that cannot do something answers: see open_file.h.
#include "linux-abi/files/open_file.h"

#include <linux/fcntl.h>

#include "linux-abi/files/directory_notices.h"
#include "linux-abi/files/file_watches.h"

namespace linux_abi {

bool OpenFile::readable() const { return (flags() & O_PATH) == 0 && (flags() & O_ACCMODE) != O_WRONLY; }
bool OpenFile::writable() const {
  const int mode = flags() & O_ACCMODE;
  return (flags() & O_PATH) == 0 && (mode == O_WRONLY || mode == O_RDWR);
}
bool OpenFile::non_blocking() const { return (flags() & O_NONBLOCK) != 0; }

void OpenFile::add_end(FileEnd& end) {
  ends_.push_back(end);
  has_ends_.store(true, std::memory_order_relaxed);
}
void OpenFile::remove_end(FileEnd& end) { ends_.erase(ends_.iterator_to(end)); }

void OpenFile::last_reference_gone() {
  if (has_ends_.load(std::memory_order_relaxed)) {
    const threads::MutexGuard guard(poll_sets_mutex);
    while (!ends_.empty()) ends_.front().file_ended();
  }
  Node* own = opened_ ? node() : nullptr;
  if (own == nullptr) return close();
  if (!anybody_watches()) {
    own->drop_open();
    return close();
  }
  const NodeReference kept(*own);
  watches::tell_closed(*this);
  close();
  if (kept->drop_open() && kept->is_nameless()) watches::tell_gone(*kept);
}

void OpenFile::opened() {
  if (node() == nullptr) return;
  node()->add_open();
  opened_ = true;
  tell_file(*this, file_event::open);
}

Answer<std::size_t> OpenFile::read(std::span<std::byte>, Caller&) { return error(EINVAL); }
Answer<std::size_t> OpenFile::write(std::span<const std::byte>, Caller&) { return error(EINVAL); }
Answer<std::size_t> OpenFile::read_at(std::uint64_t, std::span<std::byte>, Caller&) { return error(ESPIPE); }
Answer<std::size_t> OpenFile::write_at(std::uint64_t, std::span<const std::byte>, Caller&) { return error(ESPIPE); }
Answer<std::size_t> OpenFile::write_to(const WritePlace& place, std::span<const std::byte> from, Caller& caller) {
  return place.has_offset ? write_at(place.offset, from, caller) : write(from, caller);
}
Answer<std::uint64_t> OpenFile::seek(std::int64_t, int, Caller&) { return error(ESPIPE); }
Answer<OpenFileReference> OpenFile::open_again(int, Caller&) { return error(ENXIO); }
Answer<std::uint64_t> OpenFile::control(std::uint32_t, std::uint64_t, Caller&) { return error(ENOTTY); }
Answer<processor::Reference<processor::SharedObject>> OpenFile::mappable(Caller&) { return error(ENODEV); }
Answer<std::size_t> OpenFile::read_directory(std::span<std::byte>, Caller&) { return error(ENOTDIR); }
Answer<> OpenFile::truncate(std::uint64_t, Caller&) { return error(EINVAL); }
Answer<std::uint32_t> OpenFile::add_seals(std::uint32_t) { return error(EINVAL); }
Answer<> OpenFile::allocate(int, std::uint64_t, std::uint64_t, Caller&) { return error(ENODEV); }
Answer<> OpenFile::synchronize(bool, Caller&) { return error(EINVAL); }
void OpenFile::descriptor_closed(std::uint64_t process) { forget_notices(*this, process); }

}  // namespace linux_abi
