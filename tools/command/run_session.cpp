// SPDX-License-Identifier: Apache-2.0
#include "tools/command/run_session.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tools/command/run_files.h"
#include "tools/support/failure.h"

namespace command {
namespace {

constexpr std::uint64_t join_limit_ns = 60 * base::second_ns;  // a slow host under TCG
// What broke a request is often a process that ended a moment ago.
constexpr int culprit_wait_ms = 2000;  // longer than the guardian waits for others that end together

// What a component said before it ended, if that tells why.
std::string last_words(const std::string& log) {
  std::ifstream file(log);
  std::string words;
  for (std::string line; std::getline(file, line);) {
    const auto panic = line.find("panic:");
    if (panic == line.npos) continue;
    words = line.substr(panic);
    break;
  }
  while (!words.empty() && static_cast<unsigned char>(words.back()) < ' ') words.pop_back();
  return words.substr(0, 160);
}

}  // namespace

RunSession::RunSession(const RunOptions& options, poll_loop::PollLoop& loop, console::SignalSource& signals,
                       rack::RackProcesses& processes, console::Descriptors descriptors, std::string logs,
                       std::uint64_t deadline_ns)
    : options_(options),
      loop_(loop),
      signals_(signals),
      processes_(processes),
      descriptors_(descriptors),
      logs_(std::move(logs)),
      deadline_ns_(deadline_ns),
      program_ended_(loop.loop()),
      alarm_(*this) {}

RunOutcome RunSession::run(rack_client::RackClient& client) {
  client_ = &client;
  const auto processes_watch = loop_.watch(processes_.event_fd(), POLLIN, [this](short) { process_ended(); });
  const auto signals_watch = loop_.watch(signals_.fd(), POLLIN, [this](short) { signal_arrived(); });
  if (deadline_ns_ != base::never_ns) loop_.loop().arm(alarm_, deadline_ns_);
  base::spawn(steps(), [this](base::Result<>) { done_ = true; });
  while (!done_) {
    loop_.run_once();
    check_console();
  }
  alarm_.cancel();
  // Lets the steps come to their end if they wait for the program; a request that the rack does not answer stays.
  if (!program_ended_.completed()) program_ended_.complete(base::fail(base::Error::Interrupted));
  loop_.loop().run_ready();
  if (console_) console_->stopping();  // the terminal is as it was before anything else is said
  return std::move(outcome_);
}

void RunSession::fail(const std::string& what) {
  if (!outcome_.failed.empty()) return;
  outcome_.failed = what;
  end(support::exit_failure);
}

void RunSession::end(int status) {
  outcome_.status = status;
  done_ = true;
}

void RunSession::timed_out() {
  if (!done_) end(support::exit_timed_out);
}

void RunSession::process_ended() {
  const auto ended = processes_.next_event();
  if (!ended) return;
  const std::string log = fmt::format("{}/{}.log", logs_, ended->name);
  const std::string words = last_words(log);
  fail(fmt::format("{} {}{}{}", ended->name, ended->how, words.empty() ? "" : ": ", words));
}

void RunSession::name_the_culprit() {
  pollfd waiting{.fd = processes_.event_fd(), .events = POLLIN, .revents = 0};
  if (outcome_.failed.empty() && poll(&waiting, 1, culprit_wait_ms) > 0) process_ended();
}

void RunSession::signal_arrived() {
  while (const auto signal = signals_.next()) handle_signal(*signal);
}

void RunSession::handle_signal(int signal) {
  const bool running = phase_ == Phase::Running;
  switch (signal) {
    case SIGINT:
      if (!running || interrupts_.interrupted(loop_.loop().now_ns()) == console::InterruptPolicy::Action::EndRack) {
        return end(128 + SIGINT);
      }
      return client_->console().send_signal(SIGINT);
    case SIGQUIT:
      return running ? client_->console().send_signal(SIGQUIT) : end(128 + SIGQUIT);
    case SIGTERM:
    case SIGHUP:
      return end(128 + signal);
    case SIGTSTP:
      if (console_) console_->stopping();
      raise(SIGSTOP);
      return;
    case SIGCONT:
      if (console_) console_->continued();
      return;
    default:  // SIGWINCH
      if (console_) console_->window_changed();
  }
}

// One step of the run: an error is the rack's failure, said in words.
base::Task<> RunSession::step(base::Task<> task, std::string what) {
  const auto result = co_await task;
  if (!result && !done_) {
    name_the_culprit();
    fail(fmt::format("{}: {}", what, base::error_name(result.error())));
  }
  co_return result;
}

base::Task<> RunSession::steps() {
  std::vector<std::string> names;
  for (const rack::Component& component : rack::components_of(options_.rack)) names.push_back(component.name);
  const auto missing = co_await client_->wait_for_members(names, loop_.loop().now_ns() + join_limit_ns);
  if (!missing || !missing->empty()) {
    name_the_culprit();
    fail(missing ? fmt::format("{} did not join the rack", fmt::join(*missing, ", ")) : "the rack did not come up");
    co_return base::fail(base::Error::TimedOut);
  }
  CO_TRY_VOID(co_await step(start_program(), "the program could not be handed to the rack"));
  console_ = std::make_unique<console::ConsoleSession>(loop_, client_->console(), descriptors_);
  client_->attach(*console_, [this](base::Error error) {
    name_the_culprit();
    fail(fmt::format("the program's console is lost: {}", base::error_name(error)));
  });
  phase_ = Phase::Running;
  console_->start();
  CO_TRY_VOID(co_await program_ended_);
  phase_ = Phase::Ending;
  co_return co_await finish();
}

base::Task<> RunSession::start_program() {
  rack_client::ProgramSpec spec;
  spec.hostname = options_.hostname;
  spec.root = "s0";  // the first disk is the root's
  spec.working_directory = options_.working_directory;
  spec.arguments = options_.program;
  spec.environment = options_.environment;
  spec.uid = options_.uid;
  spec.gid = options_.gid;
  spec.terminals = console::terminal_bits(descriptors_.in, descriptors_.out, descriptors_.error);
  spec.window = console::window_size(descriptors_.in, descriptors_.out, descriptors_.error);
  spec.trace = options_.trace;
  spec.kept = kept_on_disk(options_);
  return client_->start_program(std::move(spec));
}

void RunSession::check_console() {
  if (!console_ || program_ended_.completed()) return;
  const console::ProgramEnd* end = console_->finished();
  if (end == nullptr) return;
  outcome_.program = *end;
  outcome_.status = console::exit_status(*end);
  program_ended_.complete({});
}

base::Task<> RunSession::finish() {
  CO_TRY_VOID(co_await step(client_->release_program(), "what the program had could not be released"));
  if (!options_.stats.empty()) {
    auto stats = co_await client_->read_stats();
    if (!stats) {
      name_the_culprit();
      fail(fmt::format("the counters could not be read: {}", base::error_name(stats.error())));
      co_return base::fail(stats.error());
    }
    outcome_.stats = std::move(*stats);
  }
  CO_TRY_VOID(co_await step(client_->destroy_vnode(), "the vNode could not be ended"));
  outcome_.clean = true;
  CO_TRY_VOID(co_await step(client_->leave(), "the rack could not be left"));
  co_return {};
}

}  // namespace command
