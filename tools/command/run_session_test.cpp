// SPDX-License-Identifier: Apache-2.0
// A run against a fake rack and stand-ins for its processes: statuses, order of the steps, and what each kind of
// failure says.
#include "tools/command/run_session.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "tools/support/failure.h"

namespace command {
namespace {

using console::ProgramEnd;

class FakeRack final : public rack_client::RackClient, private console::ConsoleLink {
 public:
  explicit FakeRack(base::EventLoop& loop) : loop_(loop) {}

  base::Task<std::vector<std::string>> wait_for_members(std::vector<std::string>, std::uint64_t) override {
    steps.push_back("members");
    co_return missing;
  }
  base::Task<> start_program(rack_client::ProgramSpec given) override {
    steps.push_back("start");
    spec = std::move(given);
    if (start_error != base::Error::None) co_return base::fail(start_error);
    co_return {};
  }
  console::ConsoleLink& console() override { return *this; }
  void attach(console::ConsoleSession& session, std::function<void(base::Error)> lost) override {
    session_ = &session;
    lost_ = std::move(lost);
  }
  base::Task<> release_program() override {
    steps.push_back("release");
    co_return {};
  }
  base::Task<std::map<std::string, std::string>> read_stats() override {
    steps.push_back("stats");
    co_return std::map<std::string, std::string>{{"p0", "{}"}};
  }
  base::Task<> destroy_vnode() override {
    steps.push_back("destroy");
    if (destroy_error != base::Error::None) co_return base::fail(destroy_error);
    co_return {};
  }
  base::Task<> leave() override {
    steps.push_back("leave");
    co_return {};
  }

  std::vector<std::string> steps;
  std::vector<std::string> missing;
  rack_client::ProgramSpec spec;
  base::Error start_error = base::Error::None;
  base::Error destroy_error = base::Error::None;
  std::vector<int> signals;
  // What the program does when it is asked for an event.
  std::function<void(console::ConsoleSession&, const std::function<void(base::Error)>& lost)> program;

 private:
  struct Next final : base::Work {
    explicit Next(FakeRack& owner) : rack(owner) {}
    void run() override { rack.program(*rack.session_, rack.lost_); }
    FakeRack& rack;
  };
  void send_input(std::span<const std::byte>) override { session_->input_taken(); }
  void request_event() override {
    if (program) loop_.post(next_);
  }
  void resize(console::WindowSize) override {}
  void send_signal(int signal) override {
    signals.push_back(signal);
    if (on_signal) on_signal();
  }

  base::EventLoop& loop_;
  console::ConsoleSession* session_ = nullptr;
  std::function<void(base::Error)> lost_;
  Next next_{*this};

 public:
  std::function<void()> on_signal;
};

class Run : public testing::Test {
 protected:
  Run() {
    options.program = {"prog", "arg"};
    options.hostname = "host";
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  ~Run() override {
    for (const int fd : {out[0], out[1], in}) close(fd);
  }
  rack::PlannedProcess process(const std::string& name, const std::string& script) {
    return {.name = name, .arguments = {"sh", "-c", script}, .log = processes.folder() / (name + ".log")};
  }
  RunOutcome run(std::uint64_t timeout_ns = base::never_ns) {
    const std::uint64_t deadline_ns = timeout_ns == base::never_ns ? base::never_ns : clock.now_ns() + timeout_ns;
    RunSession session(options, loop, signals, processes, {in, out[1], out[1]}, processes.folder(), deadline_ns);
    return session.run(fake);
  }
  void ends_with(ProgramEnd end) {
    fake.program = [end](console::ConsoleSession& session, const auto&) { session.ended(end); };
  }

  RunOptions options;
  poll_loop::MonotonicClock clock;
  base::EventLoop events{clock};
  poll_loop::PollLoop loop{events};
  console::SignalSource signals;
  rack::RackProcesses processes{GUARDIAN, -1};
  FakeRack fake{events};
  int out[2];
  int in;
};

TEST_F(Run, TheStatusIsTheProgramsAndAllStepsAreTaken) {
  int calls = 0;
  fake.program = [&](console::ConsoleSession& session, const auto&) {
    const std::string text = "said\n";
    if (calls++ == 0) return session.output(1, std::as_bytes(std::span(text)));
    session.ended({.kind = ProgramEnd::Kind::Exited, .code = 7, .why = {}});
  };
  options.stats = "wanted";
  const RunOutcome outcome = run();
  EXPECT_EQ(outcome.status, 7);
  EXPECT_EQ(outcome.failed, "");
  EXPECT_TRUE(outcome.clean);
  EXPECT_EQ(outcome.stats.size(), 1u);
  EXPECT_EQ(fake.steps, (std::vector<std::string>{"members", "start", "release", "stats", "destroy", "leave"}));
  EXPECT_EQ(fake.spec.arguments, options.program);
  EXPECT_EQ(fake.spec.hostname, "host");
  EXPECT_EQ(fake.spec.terminals, 0u);
  char text[16];
  EXPECT_EQ(read(out[0], text, sizeof(text)), 5);
}

TEST_F(Run, AKilledProgramIs128AndTheSignal) {
  ends_with({.kind = ProgramEnd::Kind::Signaled, .code = 11, .why = {}});
  EXPECT_EQ(run().status, 139);
}

TEST_F(Run, AProgramThatCannotBeStartedSaysWhy) {
  ends_with({.kind = ProgramEnd::Kind::NotStarted, .code = 127, .why = "prog: no such file"});
  const RunOutcome outcome = run();
  EXPECT_EQ(outcome.status, 127);
  EXPECT_EQ(outcome.program->why, "prog: no such file");
  EXPECT_EQ(outcome.failed, "");
}

TEST_F(Run, ComponentsThatDoNotJoinAreNamed) {
  fake.missing = {"m0", "s0"};
  const RunOutcome outcome = run();
  EXPECT_EQ(outcome.status, 125);
  EXPECT_EQ(outcome.failed, "m0, s0 did not join the rack");
}

TEST_F(Run, ADeadComponentIsNamedAtOnce) {
  processes.start({process("m0", "exec sleep 1000"), process("p0", "echo 'panic: core 0: it broke'; kill -9 $$")});
  const RunOutcome outcome = run();  // the program never ends by itself
  EXPECT_EQ(outcome.status, 125);
  EXPECT_EQ(outcome.failed, "p0 was killed by signal 9: panic: core 0: it broke");
  EXPECT_FALSE(outcome.clean);
}

TEST_F(Run, ABrokenRequestIsBlamedOnTheComponentThatDied) {
  processes.start({process("gmm", "sleep 0.1; exit 3")});
  fake.start_error = base::Error::PeerDead;
  EXPECT_EQ(run().failed, "gmm ended with status 3");
}

TEST_F(Run, ABrokenRequestAloneIsSaidInWords) {
  fake.start_error = base::Error::NoMemory;
  const RunOutcome outcome = run();
  EXPECT_EQ(outcome.status, 125);
  EXPECT_EQ(outcome.failed, "the program could not be handed to the rack: out of memory");
}

TEST_F(Run, ALostConsoleIsAFailure) {
  fake.program = [](console::ConsoleSession&, const auto& lost) { lost(base::Error::Disconnected); };
  EXPECT_EQ(run().status, 125);
}

TEST_F(Run, AnEndThatCannotBeOrderlyIsAFailure) {
  ends_with({});
  fake.destroy_error = base::Error::IoError;
  const RunOutcome outcome = run();
  EXPECT_EQ(outcome.status, 125);
  EXPECT_FALSE(outcome.clean);
}

TEST_F(Run, TheTimeOutIs124) {
  const RunOutcome outcome = run(20 * base::millisecond_ns);
  EXPECT_EQ(outcome.status, 124);
  EXPECT_EQ(outcome.failed, "");
}

TEST_F(Run, SigtermEndsTheRack) {
  fake.program = [](console::ConsoleSession&, const auto&) { kill(getpid(), SIGTERM); };
  EXPECT_EQ(run().status, 143);
}

TEST_F(Run, TheThirdSigintEndsTheRackAndTheOthersAreForTheProgram) {
  fake.program = [](console::ConsoleSession&, const auto&) { kill(getpid(), SIGINT); };
  fake.on_signal = [] { kill(getpid(), SIGINT); };
  EXPECT_EQ(run().status, 130);
  EXPECT_EQ(fake.signals, (std::vector<int>{SIGINT, SIGINT}));
}

}  // namespace
}  // namespace command
