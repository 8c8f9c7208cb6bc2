// SPDX-License-Identifier: Apache-2.0
#include "tools/command/run_options.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "tools/ether_switch/faults.h"
#include "tools/support/failure.h"

namespace command {
namespace {

using support::Failure;

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t least_memory_bytes = 64 * mib;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 42;
constexpr std::size_t longest_hostname = 63;

// The texts of options that need more than CLI11's own conversions.
struct Texts {
  std::string excache;
  std::string memory;
  std::vector<std::string> files;
  std::vector<std::string> copy_out;
  std::vector<std::string> environment;
  std::string user;
  std::string trace;
  std::string timeout;
  std::string accelerator;
  std::vector<std::string> gdb;
};

CLI::Option* once(CLI::Option* option) { return option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); }
CLI::Option* repeatable(CLI::Option* option) { return option->allow_extra_args(false)->expected(1)->take_all(); }

void declare_rack(CLI::App& app, RunOptions& options, Texts& texts) {
  rack::RackConfig& rack = options.rack;
  const CLI::Range count(1u, rack::max_components_of_a_kind);
  once(app.add_option("--processors", rack.processors, "pComponents")->check(count)->capture_default_str());
  once(app.add_option("--memories", rack.memories, "mComponents")->check(count)->capture_default_str());
  once(app.add_option("--storages", rack.storages, "sComponents")->check(count)->capture_default_str());
  once(app.add_option("--cpus", rack.cpus, "cores of each pComponent")
           ->check(CLI::Range(1u, rack::max_cpus))
           ->capture_default_str());
  once(app.add_option("--excache", texts.excache, "ExCache of each pComponent: K, M, G; from 1M; 64M"));
  once(app.add_option("--memory", texts.memory, "DRAM of each mComponent; 512M"));
  once(app.add_option("--accel", texts.accelerator, "tcg, kvm or auto (tries whether KVM boots an image); auto"));
  once(app.add_option("--managers", rack.managers,
                      "for tests: start this program in gmmd's place, with gmmd's arguments; it may run gmmd elsewhere"));
  repeatable(app.add_option("--kernel-option", rack.kernel_options, "KEY=VALUE on every component's command line"));
}

void declare_program(CLI::App& app, RunOptions& options, Texts& texts) {
  once(app.add_option(
      "--root", options.root,
      "root file system: a folder (copied) or an ext4 image (changes persist); a minimal one with busybox"));
  repeatable(app.add_option("--file", texts.files, "HOST=GUEST: place this file too; repeatable"));
  repeatable(app.add_option("--copy-out", texts.copy_out, "GUEST=HOST: copy this out afterwards; repeatable"));
  repeatable(app.add_option("--env", texts.environment, "K=V for the program, or K to pass on; repeatable"));
  once(app.add_option("--cwd", options.working_directory, "where the program starts")->capture_default_str());
  once(app.add_option("--user", texts.user, "UID[:GID]; 0:0"));
  once(app.add_option("--hostname", options.hostname, "of the vNode")->capture_default_str());
  once(app.add_option("--timeout", texts.timeout, "SECONDS: end the rack after this, with status 124"));
}

void declare_watching(CLI::App& app, RunOptions& options, Texts& texts) {
  once(app.add_option("--stats", options.stats, "FILE: write all counters as JSON at the end"));
  once(app.add_option("--trace", texts.trace, "syscalls, rpc or excache (or several, with commas), on stderr"));
  once(app.add_option("--pcap", options.rack.pcap, "FILE: capture the rack's Ethernet"));
  once(app.add_option("--faults", options.rack.faults,
                      "drop=2%,dup=1%,reorder=5%,delay=0-2ms,partition=p0+m0@10s/5s,seed=7: any of them"));
  repeatable(app.add_option("--gdb", texts.gdb, "p0: a gdb server on this component; repeatable"));
  once(app.add_option("--keep-logs", options.keep_logs, "DIR: keep the components' consoles here"));
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

void take_size(const std::string& text, std::string_view option, std::uint64_t least, std::uint64_t& bytes) {
  if (text.empty()) return;
  const auto size = parse_size(text);
  if (!size) throw Failure(fmt::format("{}: '{}' is not a size such as 64M", option, text));
  if (*size < least) throw Failure(fmt::format("{}: {} is less than {}M", option, text, least / mib));
  if (*size > most_bytes) throw Failure(fmt::format("{}: {} is too large", option, text));
  bytes = (*size + page_bytes - 1) / page_bytes * page_bytes;
}

// "a=b" at the first '='.
std::pair<std::string, std::string> split_pair(const std::string& text, std::string_view option,
                                               std::string_view form) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0 || equals + 1 == text.size()) {
    throw Failure(fmt::format("{}: '{}' is not {}", option, text, form));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void take_paths(const Texts& texts, RunOptions& options) {
  for (const std::string& text : texts.files) {
    options.files.push_back(split_pair(text, "--file", "HOST=GUEST"));
    if (options.files.back().second[0] != '/') {
      throw Failure(fmt::format("--file: '{}' is not an absolute path", options.files.back().second));
    }
  }
  for (const std::string& text : texts.copy_out) {
    options.copy_out.push_back(split_pair(text, "--copy-out", "GUEST=HOST"));
    if (options.copy_out.back().first[0] != '/') {
      throw Failure(fmt::format("--copy-out: '{}' is not an absolute path", options.copy_out.back().first));
    }
  }
  if (options.working_directory.empty() || options.working_directory[0] != '/') {
    throw Failure(fmt::format("--cwd: '{}' is not an absolute path", options.working_directory));
  }
}

void set_variable(std::vector<std::string>& environment, const std::string& assignment) {
  const std::string key = assignment.substr(0, assignment.find('=') + 1);
  std::erase_if(environment, [&](const std::string& other) { return other.starts_with(key); });
  environment.push_back(assignment);
}

void take_environment(const Texts& texts, RunOptions& options) {
  options.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"};
  for (const char* name : {"TERM", "TZ"}) {
    if (const char* value = getenv(name)) set_variable(options.environment, fmt::format("{}={}", name, value));
  }
  for (const std::string& text : texts.environment) {
    if (text.empty() || text[0] == '=') throw Failure(fmt::format("--env: '{}' is not K=V", text));
    if (text.find('=') != text.npos) {
      set_variable(options.environment, text);
    } else if (const char* value = getenv(text.c_str())) {
      set_variable(options.environment, fmt::format("{}={}", text, value));
    }
  }
}

void take_user(const Texts& texts, RunOptions& options) {
  if (texts.user.empty()) return;
  const auto colon = texts.user.find(':');
  const auto uid = whole_number<std::uint32_t>(std::string_view(texts.user).substr(0, colon));
  const auto gid =
      colon == texts.user.npos ? 0 : whole_number<std::uint32_t>(std::string_view(texts.user).substr(colon + 1));
  constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();  // (uid_t)-1 is no user
  if (!uid || !gid || *uid == none || *gid == none)
    throw Failure(fmt::format("--user: '{}' is not UID[:GID]", texts.user));
  options.uid = *uid;
  options.gid = *gid;
}

void take_hostname(const RunOptions& options) {
  const bool good = !options.hostname.empty() && options.hostname.size() <= longest_hostname &&
                    std::ranges::all_of(options.hostname, [](char character) {
                      return isalnum(static_cast<unsigned char>(character)) != 0 || character == '-' ||
                             character == '.' || character == '_';
                    });
  if (!good) throw Failure(fmt::format("--hostname: '{}' cannot be the name of a host", options.hostname));
}

void take_trace(const Texts& texts, RunOptions& options) {
  std::string_view rest = texts.trace;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    const std::uint32_t bit = word == "syscalls" ? 1 : word == "rpc" ? 2 : word == "excache" ? 4 : 0;
    if (bit == 0) throw Failure(fmt::format("--trace: '{}' is none of syscalls, rpc and excache", word));
    options.trace |= bit;
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
}

void take_timeout(const Texts& texts, RunOptions& options) {
  if (texts.timeout.empty()) return;
  double seconds = 0;
  const char* end = texts.timeout.data() + texts.timeout.size();
  const auto [stop, error] = std::from_chars(texts.timeout.data(), end, seconds, std::chars_format::fixed);
  if (error != std::errc() || stop != end || !(seconds > 0) || seconds > 1e9) {
    throw Failure(fmt::format("--timeout: '{}' is not a number of seconds", texts.timeout));
  }
  options.timeout_ns = static_cast<std::uint64_t>(std::llround(seconds * 1e9));
}

bool is_component(const RunOptions& options, const std::string& name) {
  const auto components = rack::components_of(options.rack);
  return std::ranges::find(components, name, &rack::Component::name) != components.end();
}

void take_accelerator(const Texts& texts, RunOptions& options) {
  if (texts.accelerator == "tcg") {
    options.rack.accelerator = rack::Accelerator::Tcg;
  } else if (texts.accelerator == "kvm") {
    options.rack.accelerator = rack::Accelerator::Kvm;
  } else if (!texts.accelerator.empty() && texts.accelerator != "auto") {
    throw Failure(fmt::format("--accel: '{}' is none of tcg, kvm and auto", texts.accelerator));
  }
}

void take_components(const Texts& texts, RunOptions& options) {
  for (const std::string& name : texts.gdb) {
    if (!is_component(options, name)) throw Failure(fmt::format("--gdb: this rack has no component '{}'", name));
    options.rack.gdb.insert(name);
  }
  if (options.rack.faults.empty()) return;
  const auto plan = ether_switch::FaultPlan::parse(options.rack.faults);
  if (!plan) throw Failure(fmt::format("--faults: {}", plan.error()));
  for (const auto& partition : plan->partitions) {
    for (const std::string& name : partition.names) {
      if (!is_component(options, name) && name != rack::managers().name && name != rack::client().name) {
        throw Failure(fmt::format("--faults: this rack has no component '{}'", name));
      }
    }
  }
}

void take_kernel_options(const RunOptions& options) {
  for (const std::string& option : options.rack.kernel_options) {
    if (option.empty() ||
        std::ranges::any_of(option, [](char character) { return character == ' ' || character == '"'; })) {
      throw Failure(fmt::format("--kernel-option: '{}' is not KEY=VALUE", option));
    }
  }
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    const char unit = text.back();
    shift = unit == 'K' || unit == 'k' ? 10 : unit == 'M' || unit == 'm' ? 20 : unit == 'G' || unit == 'g' ? 30 : 0;
  }
  if (shift != 0) text.remove_suffix(1);
  const auto number = whole_number<std::uint64_t>(text);
  if (!number || *number > (~std::uint64_t{0} >> shift)) return std::nullopt;
  return *number << shift;
}

std::optional<RunOptions> parse_run_options(const std::vector<std::string>& arguments) {
  const auto dashes = std::ranges::find(arguments, "--");
  RunOptions options;
  Texts texts;
  CLI::App app("Boots a rack in QEMU, runs PROGRAM in a fresh vNode and carries its console.", "tools/lego run");
  app.allow_windows_style_options(false);
  declare_rack(app, options, texts);
  declare_program(app, options, texts);
  declare_watching(app, options, texts);
  std::vector<std::string> reversed(std::make_reverse_iterator(dashes), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const std::string help = app.help();
    const auto after_usage = help.find("[OPTIONS]");
    fmt::print("{}[OPTIONS] -- PROGRAM [ARGS...]{}", help.substr(0, after_usage), help.substr(after_usage + 9));
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    std::string line = error.what();
    std::ranges::replace(line, '\n', ' ');
    throw Failure(fmt::format("run: {}", line));
  }
  if (dashes == arguments.end() || dashes + 1 == arguments.end()) {
    throw Failure("run: which program? lego run [OPTIONS] -- PROGRAM [ARGS...]");
  }
  options.program.assign(dashes + 1, arguments.end());
  take_size(texts.excache, "--excache", mib, options.rack.excache_bytes);
  take_size(texts.memory, "--memory", least_memory_bytes, options.rack.memory_bytes);
  take_accelerator(texts, options);
  take_paths(texts, options);
  take_environment(texts, options);
  take_user(texts, options);
  take_hostname(options);
  take_trace(texts, options);
  take_timeout(texts, options);
  take_components(texts, options);
  take_kernel_options(options);
  return options;
}

}  // namespace command
