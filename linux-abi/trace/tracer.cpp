// SPDX-License-Identifier: Apache-2.0
// Traces of page faults and requests: see tracer.h.
#include "linux-abi/trace/tracer.h"

#include <array>

#include "linux-abi/console/launch.h"
#include "linux-abi/process/thread.h"
#include "linux-abi/trace/trace_text.h"

namespace linux_abi {
namespace {

using excache::Access;
using excache::Work;
using processor::FaultEnd;

constexpr std::size_t longest_line = 240;

std::string_view access_name(Access access) {
  switch (access) {
    case Access::Read:
      return "read";
    case Access::Write:
      return "write";
    case Access::Execute:
      return "execute";
  }
  return "?";
}

std::string_view failure_name(FaultEnd end) {
  switch (end) {
    case FaultEnd::Resolved:
      return "resolved";
    case FaultEnd::Killed:
      return "killed";
    case FaultEnd::NotMapped:
      return "not mapped";
    case FaultEnd::NotPermitted:
      return "not permitted";
    case FaultEnd::BeyondObject:
      return "beyond the end of the file";
    case FaultEnd::Lost:
      return "lost: its home cannot give it";
    case FaultEnd::NoMemory:
      return "no memory";
  }
  return "?";
}

struct WorkName {
  Work work;
  std::string_view name;
};
constexpr WorkName work_names[] = {
    {Work::Fetched, "fetched"}, {Work::AskedForFrames, "asked for frames"}, {Work::Zeroed, "zero-filled"},
    {Work::Copied, "copied"},   {Work::Announced, "write announced"},
};

void add_work(TraceText& line, const processor::FaultReport& report) {
  std::string_view separator;
  for (const WorkName& each : work_names) {
    if (!includes(report.work, each.work)) continue;
    line.add("{}{}", separator, each.name);
    separator = ", ";
  }
  // A line that was there already, or that somebody else was bringing.
  if (separator.empty()) line.add("{}", report.waits == 0 ? "mapped" : "waited, mapped");
}

void write_line(processor::Thread& thread, const TraceText& line) {
  static_cast<Thread&>(thread).process().launch->trace(line.text());
}

void begin(TraceText& line, processor::Thread& thread) { line.add("[pid {}] ", static_cast<Thread&>(thread).tid()); }

}  // namespace

bool LinuxTracer::wants(processor::Thread& thread, processor::Traced what) const {
  const Launch* launch = static_cast<Thread&>(thread).process().launch;
  return launch != nullptr &&
         launch->traces(what == processor::Traced::Faults ? TraceKind::Faults : TraceKind::Requests);
}

void LinuxTracer::fault(processor::Thread& thread, const processor::FaultReport& report) {
  std::array<char, longest_line> text;
  TraceText line(text);
  begin(line, thread);
  const excache::Fault& fault = report.fault;
  line.add("fault 0x{:x} {} ", fault.address.value(), access_name(fault.access));
  if (fault.from_kernel)
    line.add("by a call: ");
  else
    line.add("at 0x{:x}: ", fault.instruction);
  if (report.end == FaultEnd::Resolved)
    add_work(line, report);
  else
    line.add("{}", failure_name(report.end));
  line.add(", {} us\n", report.took_ns / 1000);
  write_line(thread, line);
}

void LinuxTracer::request(processor::Thread& thread, const processor::RequestReport& report) {
  std::array<char, longest_line> text;
  TraceText line(text);
  begin(line, thread);
  const std::uint32_t ip = report.to.ip;
  line.add("rpc {} to {}.{}.{}.{}: {} bytes out, ", messages::operation_name(std::to_underlying(report.operation)),
           ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, report.bytes_out);
  if (report.error == base::Error::None)
    line.add("{} in", report.bytes_in);
  else
    line.add("{}", report.error);
  line.add(", {} us\n", report.took_ns / 1000);
  write_line(thread, line);
}

}  // namespace linux_abi
