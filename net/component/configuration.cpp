// SPDX-License-Identifier: Apache-2.0
// What a component's command line says of its place in the rack: see configuration.h.
#include "net/component/configuration.h"

#include "kernel/base/log.h"

namespace component {
namespace {

using base::Error;
using base::Result;

// "10.77.2.1" of the front of `text`, which loses it.
Result<std::uint32_t> take_address(std::string_view& text) {
  std::uint32_t address = 0;
  for (unsigned part = 0; part < 4; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return base::fail(Error::InvalidArgument);
      text.remove_prefix(1);
    }
    std::uint32_t value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9')
      value = value * 10 + static_cast<std::uint32_t>(text[digits++] - '0');
    if (digits == 0 || value > 255) return base::fail(Error::InvalidArgument);
    text.remove_prefix(digits);
    address = address << 8 | value;
  }
  return address;
}

Result<std::string_view> word(const kernel::CommandLine& line, std::string_view key) {
  const auto value = line.find(key);
  if (!value || value->empty()) {
    base::log_error("component", "the command line has no {}=", key);
    return base::fail(Error::NotFound);
  }
  return *value;
}

Result<> read_addresses(const kernel::CommandLine& line, Configuration& configuration) {
  std::string_view ip = TRY(word(line, "ip"));
  configuration.ip = TRY(take_address(ip));
  if (ip.starts_with('/')) {
    const std::uint64_t prefix = TRY(kernel::parse_number(ip.substr(1)));
    if (prefix > 32) return base::fail(Error::InvalidArgument);
    configuration.prefix_length = static_cast<std::uint8_t>(prefix);
  } else if (!ip.empty()) {
    return base::fail(Error::InvalidArgument);
  }
  std::string_view managers = TRY(word(line, "gmm"));
  configuration.managers_ip = TRY(take_address(managers));
  return managers.empty() ? Result<>() : base::fail(Error::InvalidArgument);
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
