// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/abi_subjects.h"

#include <fmt/format.h>

#include "tools/support/failure.h"

namespace bench {
namespace {

using support::Failure;

constexpr const char* program_in_guest = "/abi_bench";
constexpr unsigned patience_s = 120;

AbiMeasured understood(const std::string& name, const std::string& line, const std::string& errors) {
  const auto measured = parse_abi_measured(name, line);
  if (!measured) throw Failure(fmt::format("bench: '{}' has failed: {}{}", name, line, errors));
  return *measured;
}

}  // namespace

VNodeSubject::VNodeSubject(const std::filesystem::path& lego, const std::filesystem::path& program)
    : shell_({lego, "run", "--file", fmt::format("{}={}", program.string(), program_in_guest), "--", "busybox", "sh",
              "-c", fmt::format("while read -r time name; do {} \"$name\" $time 2>&1; done", program_in_guest)},
             folder_.path() / "errors") {}

AbiMeasured VNodeSubject::measure(const std::string& name, unsigned milliseconds) {
  return understood(name, shell_.ask(fmt::format("{} {}", milliseconds, name), patience_s), "");
}

LinuxSubject::LinuxSubject(const std::filesystem::path& program)
    : switch_({"linux"}),
      guest_({.name = "linux", .switch_socket = switch_.socket("linux"), .files = {{program, program_in_guest}}}) {
  guest_.start();
}

AbiMeasured LinuxSubject::measure(const std::string& name, unsigned milliseconds) {
  const auto ended = guest_.run(fmt::format("{} '{}' {}", program_in_guest, name, milliseconds), patience_s);
  return understood(name, ended.out, ended.error);
}

std::string LinuxSubject::kernel() {
  const std::string told = guest_.run("uname -sr").out;
  return told.substr(0, told.find('\n'));
}

}  // namespace bench
