// SPDX-License-Identifier: Apache-2.0
// What a component's command line says of its place in the rack: see configuration.h.
#include "net/component/configuration.h"

#include "kernel/base/log.h"
#include "net/roce/addresses.h"

namespace component {
namespace {

using base::Error;
using base::Result;

Result<std::string_view> word(const kernel::CommandLine& line, std::string_view key) {
  const auto value = line.find(key);
  if (!value || value->empty()) {
    base::log_error("component", "the command line has no {}=", key);
    return base::fail(Error::NotFound);
  }
  return *value;
}

Result<> read_addresses(const kernel::CommandLine& line, Configuration& configuration) {
  const std::string_view ip = TRY(word(line, "ip")), managers = TRY(word(line, "gmm"));
  const roce::Ipv4Network network = TRY(roce::parse_network(ip));
  configuration.ip = network.address;
  configuration.prefix_length = network.prefix_length;
  configuration.managers_ip = TRY(roce::parse_ipv4(managers));
  return {};
}

}  // namespace

Result<Configuration> read_configuration(const kernel::CommandLine& line) {
  Configuration configuration;
  configuration.name = TRY(word(line, "name"));
  if (const Result<> read = read_addresses(line, configuration); !read) {
    base::log_error("component", "ip= or gmm= on the command line: {}", read.error());
    return base::fail(read.error());
  }
  return configuration;
}

}  // namespace component
