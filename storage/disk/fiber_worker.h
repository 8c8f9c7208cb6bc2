// SPDX-License-Identifier: Apache-2.0
// The worker of an image: a fiber on the event loop's core, so that an operation can wait for the disk while the loop
// goes on with the network.
#pragma once

#include <boost/intrusive/list.hpp>

#include "storage/disk/fiber.h"
#include "storage/service/worker.h"

namespace storage {

class FiberWorker final : public Worker {
 public:
  base::Result<> start();
  // On the loop.
  void submit(Operation& operation) override;
  Fiber& fiber() { return fiber_; }

 private:
  [[noreturn]] static void main(void* worker);

  Fiber fiber_;
  boost::intrusive::list<Operation> waiting_;
  bool idle_ = true;
};

}  // namespace storage
