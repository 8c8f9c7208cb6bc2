// SPDX-License-Identifier: Apache-2.0
#include "tests/rack/run/rack_run.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace harness {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

struct Pipe {
  support::Fd reader, writer;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    reader = support::Fd(ends[0]);
    writer = support::Fd(ends[1]);
  }
};

[[noreturn]] void become(const Words& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

int status_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

Words words_of(const fs::path& command_line) {
  std::ifstream file(command_line, std::ios::binary);
  Words words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

// What a process of a rack is, by its command line.
std::string name_of(const Words& words) {
  if (words.empty()) return {};
  const std::string program = fs::path(words[0]).filename();
  if (program == "gmmd") return "gmm";
  if (program == "ether_switch") return "switch";
  if (program == "rack_guardian" || program == "rack-guardian") return "guardian";
  if (!program.starts_with("qemu-system")) return {};
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "-name") return words[i + 1];
  return {};
}

// Empty if there is no such process, or no more: getline() does not throw when it ends between opening and reading.
std::string stat_of(pid_t pid) {
  std::ifstream file(fs::path("/proc") / std::to_string(pid) / "stat");
  std::string text;
  std::getline(file, text, '\0');
  return text;
}

pid_t parent_of(pid_t pid) {
  const std::string text = stat_of(pid);
  const auto end = text.rfind(')');
  if (end == std::string::npos || end + 4 >= text.size()) return 0;
  return static_cast<pid_t>(std::strtol(text.c_str() + end + 4, nullptr, 10));
}

bool descends_from(pid_t pid, pid_t ancestor) {
  for (int depth = 0; pid > 1 && depth < 10; ++depth, pid = parent_of(pid))
    if (pid == ancestor) return true;
  return false;
}

}  // namespace

Ended run_here(const Words& command, const std::string& input, const fs::path& folder) {
  Pipe in, out, error;
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(in.reader.get(), 0);
    dup2(out.writer.get(), 1);
    dup2(error.writer.get(), 2);
    if (!folder.empty() && chdir(folder.c_str()) != 0) _exit(126);
    become(command);
  }
  in.reader = {};
  out.writer = {};
  error.writer = {};
  signal(SIGPIPE, SIG_IGN);
  Ended ended;
  std::size_t given = 0;
  bool open_out = true, open_error = true;
  while (open_out || open_error) {
    if (given == input.size()) in.writer = {};
    pollfd set[3] = {{open_out ? out.reader.get() : -1, POLLIN, 0},
                     {open_error ? error.reader.get() : -1, POLLIN, 0},
                     {in.writer ? in.writer.get() : -1, POLLOUT, 0}};
    poll(set, 3, -1);
    char buffer[65536];
    const auto take = [&](pollfd& entry, std::string& text, bool& open) {
      if (entry.revents == 0) return;
      const ssize_t got = read(entry.fd, buffer, sizeof buffer);
      if (got > 0)
        text.append(buffer, static_cast<std::size_t>(got));
      else
        open = false;
    };
    take(set[0], ended.out, open_out);
    take(set[1], ended.error, open_error);
    if (set[2].revents != 0) {
      const ssize_t put = write(set[2].fd, input.data() + given, std::min<std::size_t>(4096, input.size() - given));
      given = put > 0 ? given + static_cast<std::size_t>(put) : input.size();
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  ended.status = status_of(status);
  return ended;
}

RackRun::RackRun(const Words& options, const Words& program, Streams streams) {
  std::string name = "/tmp/lego_run_test.XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
  folder_ = name;
  Words command{LEGO_COMMAND, "run", "--keep-logs", folder_ / "logs", "--stats", folder_ / "stats.json"};
  command.insert(command.end(), options.begin(), options.end());
  // The same tests on another kind of rack.
  if (const char* more = getenv("LEGO_RUN_OPTIONS")) {
    std::istringstream words(more);
    command.insert(command.end(), std::istream_iterator<std::string>(words), {});
  }
  command.push_back("--");
  command.insert(command.end(), program.begin(), program.end());
  Pipe in, out, error;
  if (streams == Streams::Terminal) {
    int terminal = -1;
    const winsize size{.ws_row = 30, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    lego_ = forkpty(&terminal, nullptr, nullptr, &size);
    if (lego_ == 0) become(command);
    output_ = support::Fd(terminal);
    input_ = support::Fd(fcntl(terminal, F_DUPFD_CLOEXEC, 0));
  } else {
    lego_ = fork();
    if (lego_ == 0) {
      dup2(in.reader.get(), 0);
      dup2(out.writer.get(), 1);
      dup2(error.writer.get(), 2);
      become(command);
    }
    input_ = std::move(in.writer);
    output_ = std::move(out.reader);
    error_ = std::move(error.reader);
  }
  signal(SIGPIPE, SIG_IGN);
}

RackRun::~RackRun() {
  if (lego_ > 0) {
    kill(lego_, SIGTERM);
    wait(20);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void RackRun::type(const std::string& text) {
  std::size_t given = 0;
  while (given < text.size() && input_) {
    const ssize_t put = write(input_.get(), text.data() + given, text.size() - given);
    if (put <= 0) return;
    given += static_cast<std::size_t>(put);
  }
}

void RackRun::close_input() { input_ = {}; }

bool RackRun::read_some(int timeout_ms) {
  pollfd set[2] = {{output_ ? output_.get() : -1, POLLIN, 0}, {error_ ? error_.get() : -1, POLLIN, 0}};
  if (!output_ && !error_) return false;
  if (poll(set, 2, timeout_ms) <= 0) return true;
  char buffer[65536];
  const auto take = [&](pollfd& entry, support::Fd& fd, std::string& text) {
    if (entry.revents == 0) return;
    const ssize_t got = read(entry.fd, buffer, sizeof buffer);
    if (got > 0)
      text.append(buffer, static_cast<std::size_t>(got));
    else
      fd = {};
  };
  take(set[0], output_, out_);
  take(set[1], error_, error_text_);
  return true;
}

bool RackRun::wait_for(const std::string& text, unsigned seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (true) {
    if (const auto at = out_.find(text, looked_); at != std::string::npos) {
      looked_ = at + text.size();
      return true;
    }
    if (Clock::now() > deadline || !read_some(200)) return false;
  }
}

Ended RackRun::wait(unsigned seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  int status = 0;
  bool killed = false;
  while (lego_ > 0) {
    const bool open = read_some(100);
    if (waitpid(lego_, &status, WNOHANG) == lego_) break;
    if (!open) usleep(20'000);
    if (killed || Clock::now() < deadline) continue;
    kill(lego_, SIGKILL);
    killed = true;
  }
  lego_ = -1;
  // What it wrote last; a process that outlived it may still hold the other end.
  const auto patience = Clock::now() + std::chrono::seconds(2);
  while ((output_ || error_) && Clock::now() < patience) read_some(50);
  status_ = killed ? -1 : status_of(status);
  return {status_, out_, error_text_};
}

std::map<std::string, pid_t> RackRun::processes() const {
  std::map<std::string, pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    if (pid <= 1) continue;
    const std::string name = name_of(words_of(entry.path() / "cmdline"));
    if (!name.empty() && descends_from(pid, lego_)) found[name] = pid;
  }
  return found;
}

pid_t RackRun::process(const std::string& name) const {
  const auto all = processes();
  const auto found = all.find(name);
  return found == all.end() ? 0 : found->second;
}

nlohmann::json RackRun::stats() const {
  std::ifstream file(folder_ / "stats.json");
  return nlohmann::json::parse(file);
}

double processor_seconds(pid_t pid) {
  const std::string text = stat_of(pid);
  const auto end = text.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(text.substr(end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;  // fields 3 to 13 of proc(5)
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

bool is_alive(pid_t pid) {
  const std::string text = stat_of(pid);
  const auto end = text.rfind(')');
  return end != std::string::npos && text.size() > end + 2 && text[end + 2] != 'Z';
}

}  // namespace harness
