// SPDX-License-Identifier: Apache-2.0
// What a SharedObject is, for the sources of this folder.
#pragma once

#include <boost/intrusive/set.hpp>

#include "kernel/base/waiter.h"
#include "processor/background.h"
#include "processor/excache/excache.h"
#include "processor/memory_home.h"
#include "processor/process.h"
#include "processor/shared_object.h"

namespace processor {

class MonitorCore;

class SharedObject final : public Counted, public Ending, public boost::intrusive::set_base_hook<> {
 public:
  SharedObject(Family& family, MemoryHome& home, base::ObjectId id, ObjectKind kind, std::uint64_t bytes, bool on_disk);

  base::ObjectId id() const { return object_.id; }
  bool is_file() const { return object_.kind == excache::ObjectKind::File; }
  excache::Object& object() { return object_; }
  const excache::Object& object() const { return object_; }
  MemoryHome& home() const { return home_; }
  MonitorCore& monitor() const { return monitor_; }
  excache::ExCache& cache() const;

  excache::FaultContext history;  // of reads and writes by calls; the ExCache's
  base::WaitQueue ended_;         // guarded by the monitor's lock of objects: for its end

 private:
  template <typename T>
  friend struct CountedReferences;
  void last_reference_gone();
  void end() override;

  const Reference<Family> family_;  // segments; files outlive families
  MonitorCore& monitor_;
  MemoryHome& home_;
  excache::Object object_;
};

struct IdOfObject {
  using type = base::ObjectId;
  type operator()(const SharedObject& object) const { return object.id(); }
};
using SharedObjects = boost::intrusive::set<SharedObject, boost::intrusive::key_of_value<IdOfObject>>;

// A file that only its id is known of (a program's interpreter): held at its home.
base::Result<Reference<SharedObject>> open_file_by_id(Family& family, base::ObjectId file, bool on_disk,
                                                      Sleeper& sleeper);

// Of a failed access to pages, after its passing reasons were waited out.
base::Error error_of_loss(base::Error error);

}  // namespace processor
