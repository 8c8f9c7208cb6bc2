// SPDX-License-Identifier: Apache-2.0
// What several address spaces can map and all see the stores of: a file, or an anonymous segment (MAP_SHARED |
// MAP_ANONYMOUS, System V shared memory). Its pages are ExCache lines that all users share; its home mComponent keeps
// the rest. References are counted: the personality holds one per inode or segment it knows, each VMA holds one. The
// last one gone, dirty pages of a file are written back, the lines are dropped and the home is told, in the background.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "net/messages/file.h"
#include "processor/reference.h"
#include "processor/sleeper.h"

namespace processor {

class Family;
class SharedObject;
template <>
struct ReferenceCount<SharedObject> {
  static void take(SharedObject& object);
  static void drop(SharedObject& object);
};

enum class ObjectKind : std::uint8_t { File, Anonymous };

struct FileOpening {
  bool held = false;     // the request that gave the attributes took a hold of the file at its home; else one is made
  bool on_disk = false;  // what is dirty of it goes home after a while
};
// The file with these attributes (its id, size); one object per file however often this is called.
base::Result<Reference<SharedObject>> open_file(Family& family, const messages::FileAttributes& attributes,
                                                FileOpening opening, Sleeper& sleeper);
// A new anonymous segment.
base::Result<Reference<SharedObject>> create_segment(Family& family, std::uint64_t bytes, Sleeper& sleeper);
// Until files and segments that nobody refers to any more have been given back to their homes, which happens a little
// later: what they take of a full file system is free then.
void settle_endings(Family& family, Sleeper& sleeper);
// The object with this id if somebody still holds it, else nothing.
Reference<SharedObject> find_held_object(Family& family, base::ObjectId id);

// Reading and writing through the ExCache; kernel buffers only. Calls for one file that change its size or write are
// serialised by the personality (as Linux's inode lock does); reads and faults may run beside them.
// All: IoError or PeerDead when a page cannot be had; Interrupted when the thread is killed.
// Bytes read: fewer than asked at the end of the file.
base::Result<std::size_t> read_object(SharedObject& object, std::uint64_t offset, std::span<std::byte> to,
                                      Sleeper& sleeper);
// Writes all and grows the file, or says why not (NoSpace) with nothing or a first part written; `wall_ns` is not
// needed: the home takes the time from the messages.
base::Result<std::size_t> write_object(SharedObject& object, std::uint64_t offset, std::span<const std::byte> from,
                                       Sleeper& sleeper);
// Until the home has every byte stored before the call; the disk is FileSync's business.
base::Result<> flush_object(SharedObject& object, Sleeper& sleeper);

base::ObjectId object_id(const SharedObject& object);
// The size as this pComponent knows it, ahead of the home's while lines are dirty.
std::uint64_t object_bytes(const SharedObject& object);

// Whether somebody maps it shared and may store to it, now or after mprotect.
bool is_mapped_for_writing(SharedObject& object);

// Around the request that changes the size (FileSetAttributes with Size): begin takes everything beyond out of use,
// private copies included; end makes the new size known (done) or lets everything be as it was (failed).
class Truncation {
 public:
  Truncation(SharedObject& object, std::uint64_t new_bytes) : object_(object), new_bytes_(new_bytes) {}
  Truncation(const Truncation&) = delete;
  Truncation& operator=(const Truncation&) = delete;
  ~Truncation();  // as end(false) if end() was not called
  base::Result<> begin(Sleeper& sleeper);
  void end(bool done);

 private:
  SharedObject& object_;
  std::uint64_t new_bytes_;
  bool active_ = false;
};

// Around the request that makes zeros of the bytes [begin, end) (FilePunch), likewise. Private copies stay.
class HolePunch {
 public:
  HolePunch(SharedObject& object, std::uint64_t begin_byte, std::uint64_t end_byte)
      : object_(object), begin_(begin_byte), end_(end_byte) {}
  HolePunch(const HolePunch&) = delete;
  HolePunch& operator=(const HolePunch&) = delete;
  ~HolePunch();  // as end(false) if end() was not called
  base::Result<> begin(Sleeper& sleeper);
  void end(bool done);

 private:
  SharedObject& object_;
  const std::uint64_t begin_, end_;
  bool active_ = false;
};

// The one predicate about caching: while a vNode runs on one pComponent, that pComponent is its files' only user.
bool may_cache(const SharedObject& object);

}  // namespace processor
