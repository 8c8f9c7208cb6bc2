// SPDX-License-Identifier: Apache-2.0
// `lego`: what tools/lego becomes once everything is built. The first argument names the command; whatever stops it is
// one line on stderr.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tools/command/bench_command.h"
#include "tools/command/image_command.h"
#include "tools/command/pcap_command.h"
#include "tools/command/run_command.h"
#include "tools/command/test_command.h"
#include "tools/support/failure.h"

namespace {

int dispatch(const std::string& name, const std::vector<std::string>& arguments) {
  if (name == "run") return command::run_command(arguments);
  if (name == "bench") return command::bench_command(arguments);
  if (name == "image") return command::image_command(arguments);
  if (name == "pcap") return command::pcap_command(arguments);
  if (name == "test") return command::test_command(arguments);
  throw support::Failure(fmt::format("there is no command '{}'", name));
}

}  // namespace

int main(int count, char** values) {
  try {
    if (count < 2) throw support::Failure("which command? tools/lego help tells them");
    return dispatch(values[1], std::vector<std::string>(values + 2, values + count));
  } catch (const support::Failure& failure) {
    fmt::print(stderr, "lego: {}\n", failure.what());
    return failure.status();
  } catch (const std::exception& error) {
    fmt::print(stderr, "lego: {}\n", error.what());
    return support::exit_failure;
  }
}
