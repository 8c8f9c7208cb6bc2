// SPDX-License-Identifier: Apache-2.0
// Puts the parts together: options, files, processes, client, console; then takes them apart in order.
#include "tools/command/run_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "kernel/base/platform_hosted.h"
#include "net/roce/addresses.h"
#include "tools/command/run_files.h"
#include "tools/command/run_options.h"
#include "tools/command/run_session.h"
#include "tools/rack/accelerator.h"
#include "tools/rack_client/roce_client.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace command {
namespace {

namespace fs = std::filesystem;
using support::Failure;

// A closed stdin, stdout or stderr must not become some file of ours.
void open_missing_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
  }
}

fs::path logs_folder(const RunOptions& options, const fs::path& folder) {
  const fs::path logs = options.keep_logs.empty() ? folder / "logs" : fs::absolute(options.keep_logs);
  std::error_code error;
  fs::create_directories(logs, error);
  if (error) throw Failure(fmt::format("--keep-logs: {}: {}", logs.string(), error.message()));
  for (const rack::Component& port : rack::ports_of(options.rack)) fs::remove(logs / (port.name + ".log"));
  fs::remove(logs / "switch.log");
  return logs;
}

void say_where_gdb_is(const RunOptions& options, const rack::RackFiles& files) {
  for (const rack::Component& component : rack::components_of(options.rack)) {
    if (!options.rack.gdb.contains(component.name)) continue;
    fmt::print(stderr, "lego: gdb {} -ex 'target remote {}'\n", rack::image_of(files.build, component.kind).string(),
               rack::gdb_socket_of(files, component).string());
  }
}

// What the rack's run needs, in the order in which it is made.
class Rack {
 public:
  Rack(const RunOptions& options, console::SignalSource& signals)
      : options_(options),
        signals_(signals),
        deadline_ns_(options.timeout_ns == 0 ? base::never_ns : clock_.now_ns() + options.timeout_ns),
        build_(support::build_folder()),
        processes_(build_ / "tools/rack/rack_guardian", isatty(0) != 0 ? 0 : -1) {
    const fs::path& folder = processes_.folder();
    disks_ = prepare_disks(options, folder, build_ / "images");
    files_ = {.build = build_,
              .folder = folder,
              .logs = logs_folder(options, folder),
              .key = folder / "rack-key",
              .disks = disks_.paths,
              .root_use = disks_.root_use};
    write_rack_key(files_.key);
    // stderr is the program's.
    base::platform::set_log_stream(fopen((files_.logs / "lego.log").c_str(), "ae"));
  }

  RunOutcome run() {
    RunSession session(options_, loop_, signals_, processes_, {}, files_.logs, deadline_ns_);
    try {
      const auto accelerator = rack::choose_accelerator(
          options_.rack.accelerator, rack::image_of(build_, rack::Kind::Processor), files_.folder, build_ / "images");
      processes_.start(rack::make_plan(options_.rack, accelerator, files_));
      say_where_gdb_is(options_, files_);
      client_ = make_client(session);
    } catch (const Failure& failure) {
      return {.status = failure.status(), .program = {}, .failed = failure.what(), .stats = {}};
    }
    return session.run(*client_);
  }

  // What needs the disk: after the processes have gone.
  void finish(const RunOutcome& outcome) {
    // Otherwise requests may be under way that nobody will answer, and what they name stays until the end.
    if (!outcome.clean || !outcome.failed.empty()) (void)client_.release();
    client_.reset();
    processes_.stop();
    if (outcome.clean) copy_out(options_, disks_.paths[0]);
    if (outcome.clean && !options_.stats.empty()) write_stats(options_.stats, outcome);
  }

  // The line for a failed rack.
  void report(const std::string& failed) const {
    fs::path logs = files_.logs;
    if (options_.keep_logs.empty()) logs = keep_logs(logs, build_.parent_path() / "logs");
    fmt::print(stderr, "lego: {} (logs: {})\n", failed, logs.string());
  }

 private:
  std::unique_ptr<rack_client::RoceClient> make_client(RunSession& session) {
    const rack::Component self = rack::client();
    const rack_client::ClientConfig config{.node = {.switch_socket = rack::socket_of(files_, self),
                                                    .ip = roce::parse_ipv4(self.ip()).value(),
                                                    .prefix_length = rack::prefix_length,
                                                    .mac = roce::parse_mac(self.mac()).value()},
                                           .name = self.name,
                                           .managers_ip = roce::parse_ipv4(rack::managers().ip()).value(),
                                           .key = linux_node::read_key_file(files_.key).value()};
    auto client =
        rack_client::RoceClient::create(loop_, config, [&session](const std::string& what) { session.fail(what); });
    if (!client) throw Failure(fmt::format("cannot attach to the rack: {}", base::error_name(client.error())));
    return std::move(*client);
  }

  const RunOptions& options_;
  console::SignalSource& signals_;
  poll_loop::MonotonicClock clock_;
  base::EventLoop events_{clock_};
  poll_loop::PollLoop loop_{events_};
  std::uint64_t deadline_ns_;
  fs::path build_;
  rack::RackProcesses processes_;
  Disks disks_;
  rack::RackFiles files_;
  std::unique_ptr<rack_client::RoceClient> client_;
};

int run_rack(const RunOptions& options, console::SignalSource& signals) {
  Rack rack(options, signals);
  RunOutcome outcome = rack.run();
  if (!outcome.failed.empty()) rack.report(outcome.failed);
  if (outcome.program && !outcome.program->why.empty()) fmt::print(stderr, "lego: {}\n", outcome.program->why);
  if (outcome.status == support::exit_timed_out && outcome.failed.empty() && !outcome.program) {
    fmt::print(stderr, "lego: timed out after {} s\n", static_cast<double>(options.timeout_ns) / 1e9);
  }
  try {
    rack.finish(outcome);
  } catch (const Failure& failure) {
    fmt::print(stderr, "lego: {}\n", failure.what());
    if (outcome.status == 0) outcome.status = support::exit_failure;
  }
  return outcome.status;
}

}  // namespace

int run_command(const std::vector<std::string>& arguments) {
  open_missing_descriptors();
  std::optional<RunOptions> options = parse_run_options(arguments);
  if (!options) return 0;
  check_writable(options->stats);
  check_writable(options->rack.pcap);
  if (!options->rack.pcap.empty()) options->rack.pcap = fs::absolute(options->rack.pcap);
  console::SignalSource signals;
  return run_rack(*options, signals);
}

}  // namespace command
