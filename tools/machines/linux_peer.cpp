// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/linux_peer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <stdexcept>

namespace machines {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Over text without line ends, as the agent's lines need it.
std::string base64(const std::string& text) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string coded;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u);
    }
    for (unsigned i = 0; i < 4; ++i) {
      coded += at + i <= text.size() ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return coded;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char character : text) result += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return result + "'";
}

}  // namespace

std::vector<std::string> guest_arguments(const PeerConfig& config, const fs::path& initrd) {
  return {"qemu-system-x86_64",
          "-name",
          config.name,
          "-machine",
          "q35",
          "-accel",
          "tcg,thread=multi",
          "-cpu",
          "max",
          "-smp",
          "1,maxcpus=2",  // QEMU leaves memory barriers out for a machine that can have one core only
          "-m",
          std::to_string(config.memory_mb),
          "-nodefaults",
          "-no-user-config",
          "-no-reboot",
          "-display",
          "none",
          "-serial",
          "stdio",
          "-kernel",
          guest_kernel(),
          "-initrd",
          initrd,
          "-append",
          fmt::format("console=ttyS0 quiet mitigations=off tsc=reliable panic=-1 peer.ip={} peer.mtu={}", config.ip,
                      config.mtu),
          "-netdev",
          fmt::format("stream,id=net0,server=off,addr.type=unix,addr.path={}", config.switch_socket.string()),
          "-device",
          fmt::format("virtio-net-pci,netdev=net0,mac={},host_mtu=4200,disable-legacy=on,romfile=", config.mac)};
}

LinuxPeer::LinuxPeer(PeerConfig config) : config_(std::move(config)) {}

void LinuxPeer::boot() {
  fs::path initrd = guest_initramfs();
  if (!config_.files.empty()) {
    add_files(initrd, config_.files, folder_.path() / "initrd");
    initrd = folder_.path() / "initrd";
  }
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no socket pair");
  agent_ = support::Fd(ends[0]);
  const support::Fd theirs(ends[1]);
  std::vector<std::string> arguments = guest_arguments(config_, initrd);
  arguments.insert(arguments.end(),
                   {"-device", "virtio-serial-pci", "-chardev", fmt::format("socket,id=agent,fd={}", theirs.get()),
                    "-device", "virtserialport,chardev=agent,name=agent"});
  process_.emplace(arguments, folder_.path() / "console", std::vector<int>{theirs.get()});
}

void LinuxPeer::wait_until_ready(unsigned seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (!ready_) {
    if (Clock::now() > deadline) fail("did not come up");
    listen(1000);
  }
}

void LinuxPeer::stop() {
  if (process_) process_->stop();
  agent_.reset();
}

void LinuxPeer::fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{} {}; its console ends with:\n{}", config_.name, what, console()));
}

bool LinuxPeer::listen(int timeout_ms) {
  pollfd waiting{.fd = agent_.get(), .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, timeout_ms) <= 0) return false;
  char buffer[65536];
  const ssize_t got = read(agent_.get(), buffer, sizeof buffer);
  if (got <= 0) fail("has ended");
  heard_.append(buffer, static_cast<std::size_t>(got));
  take_answers();
  return true;
}

void LinuxPeer::take_answers() {
  for (;;) {
    const auto line_end = heard_.find('\n');
    if (line_end == heard_.npos) return;
    std::istringstream line(heard_.substr(0, line_end));
    Job job = 0;
    int status = 0;
    std::size_t out = 0, error = 0;
    if (!(line >> job >> status >> out >> error)) fail("said something odd: " + line.str());
    const std::size_t begin = line_end + 1;
    if (heard_.size() < begin + out + error) return;
    if (job == 0) ready_ = true;
    finished_[job] = {status, heard_.substr(begin, out), heard_.substr(begin + out, error)};
    heard_.erase(0, begin + out + error);
  }
}

LinuxPeer::Job LinuxPeer::start_in_background(const std::string& command) {
  const Job job = ++last_job_;
  const std::string line = fmt::format("{} {}\n", job, base64(command));
  for (std::size_t given = 0; given < line.size();) {
    const ssize_t put = send(agent_.get(), line.data() + given, line.size() - given, MSG_NOSIGNAL);
    if (put <= 0) fail("takes no commands");
    given += static_cast<std::size_t>(put);
  }
  return job;
}

bool LinuxPeer::ended(Job job) {
  while (!finished_.contains(job) && listen(0)) {
  }
  return finished_.contains(job);
}

LinuxPeer::Finished LinuxPeer::wait(Job job, unsigned seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (!finished_.contains(job)) {
    if (Clock::now() > deadline) fail(fmt::format("has not finished a command in {} s", seconds));
    listen(1000);
  }
  return finished_.at(job);
}

bool LinuxPeer::wait_for_output(Job job, const std::string& text, unsigned seconds) {
  // The test for the job's end comes first: what it said last is looked at after it.
  const std::string files = fmt::format("/run/{0}.out /run/{0}.err", job);
  const Finished looked =
      run(fmt::format("while :; do alive=; [ -e /run/{0}.end2 ] || alive=1; grep -qF -e {1} {2} 2>/dev/null && exit 0; "
                      "[ -n \"$alive\" ] || exit 1; usleep 50000; done",
                      job, quoted(text), files),
          seconds);
  return looked.ok();
}

std::string LinuxPeer::output_so_far(Job job) { return run(fmt::format("cat /run/{0}.out /run/{0}.err", job)).out; }

void LinuxPeer::signal(Job job, const std::string& signal) {
  run(fmt::format("kill -{} -$(cat /run/{}.pid)", signal, job));
}

void LinuxPeer::wait_for_listener(unsigned port, unsigned seconds) {
  run(fmt::format("until rdma resource show cm_id src-port {} | grep -q LISTEN; do usleep 50000; done", port), seconds);
}

}  // namespace machines
