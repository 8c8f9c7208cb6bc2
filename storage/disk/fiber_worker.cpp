// SPDX-License-Identifier: Apache-2.0
// Operations one after the other: see fiber_worker.h.
#include "storage/disk/fiber_worker.h"

namespace storage {

base::Result<> FiberWorker::start() { return fiber_.start(&FiberWorker::main, this); }

void FiberWorker::submit(Operation& operation) {
  waiting_.push_back(operation);
  if (idle_) fiber_.resume();
}

void FiberWorker::main(void* worker) {
  FiberWorker& self = *static_cast<FiberWorker*>(worker);
  while (true) {
    self.idle_ = false;
    while (!self.waiting_.empty()) {
      Operation& operation = self.waiting_.front();
      self.waiting_.pop_front();
      operation.execute();
      operation.finished();
    }
    self.idle_ = true;
    self.fiber_.park();
  }
}

}  // namespace storage
