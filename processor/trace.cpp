// SPDX-License-Identifier: Apache-2.0
// Reports to the tracer: see trace.h.
#include "processor/trace.h"

#include "processor/process.h"

namespace processor {
namespace {

Tracer* the_tracer = nullptr;

}  // namespace

void install_tracer(Tracer& tracer) { the_tracer = &tracer; }

Thread* traced_thread(Traced what) {
  Thread* thread = Thread::current_or_null();
  return thread != nullptr && the_tracer != nullptr && the_tracer->wants(*thread, what) ? thread : nullptr;
}

void report(Thread& thread, const FaultReport& report) { the_tracer->fault(thread, report); }
void report(Thread& thread, const RequestReport& report) { the_tracer->request(thread, report); }

}  // namespace processor
