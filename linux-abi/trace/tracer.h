// SPDX-License-Identifier: Apache-2.0
// --trace excache and --trace rpc: a line for each page fault and for each request of the program's threads, to the
// launch's client.
#pragma once

#include "processor/trace.h"

namespace linux_abi {

class LinuxTracer final : public processor::Tracer {
 public:
  bool wants(processor::Thread& thread, processor::Traced what) const override;
  void fault(processor::Thread& thread, const processor::FaultReport& report) override;
  void request(processor::Thread& thread, const processor::RequestReport& report) override;
};

}  // namespace linux_abi
