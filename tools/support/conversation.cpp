// SPDX-License-Identifier: Apache-2.0
#include "tools/support/conversation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>

#include "tools/support/failure.h"

namespace support {
namespace {

struct Pipe {
  Fd reader, writer;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Failure("no pipe");
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
  }
};

}  // namespace

Conversation::Conversation(const Arguments& arguments, std::filesystem::path errors)
    : name_(arguments[0]), errors_(std::move(errors)) {
  Pipe in, out;
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw Failure(fmt::format("cannot start {}", name_));
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);  // it died before the line above
    const int error = open(errors_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (dup2(in.reader.get(), 0) < 0 || dup2(out.writer.get(), 1) < 0 || dup2(error, 2) < 0) _exit(1);
    execvp(pointers[0], pointers.data());
    _exit(127);
  }
  to_ = std::move(in.writer);
  from_ = std::move(out.reader);
}

Conversation::~Conversation() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

void Conversation::fail(const std::string& what) {
  std::ifstream file(errors_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  constexpr std::size_t some = 2000;
  throw Failure(fmt::format("{} {}; the end of what it said:\n{}", name_, what,
                            text.substr(text.size() > some ? text.size() - some : 0)));
}

void Conversation::say(const std::string& line) {
  const std::string text = line + "\n";
  signal(SIGPIPE, SIG_IGN);
  if (write(to_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("does not listen");
}

std::string Conversation::hear(unsigned seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::size_t end = 0;
  while ((end = heard_.find('\n')) == heard_.npos) {
    if (std::chrono::steady_clock::now() > deadline) fail(fmt::format("says nothing for {} s", seconds));
    pollfd waiting{.fd = from_.get(), .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, 1000) <= 0) continue;
    std::array<char, 4096> buffer;
    const ssize_t got = read(from_.get(), buffer.data(), buffer.size());
    if (got <= 0) fail("has ended");
    heard_.append(buffer.data(), static_cast<std::size_t>(got));
  }
  std::string line = heard_.substr(0, end);
  heard_.erase(0, end + 1);
  return line;
}

int Conversation::end() {
  to_.reset();
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return shell_status(status);
}

}  // namespace support
