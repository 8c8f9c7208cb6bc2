// SPDX-License-Identifier: Apache-2.0
// A Linux with soft-RoCE on a port of the rack's switch: Debian's kernel, rdma-core and perftest in QEMU (guest/), with
// eth0, rxe0 (GID 0: link-local IPv6, GID 1: IPv4) and an agent that performs shell commands. Everything waits on
// progress; limits are there for what hangs. Whatever fails for reasons of the guest's own throws std::runtime_error
// with the end of its console.
//
// The agent's protocol, over a virtio-serial port: a line "ID BASE64" asks for a command; when it ended, a line
// "ID STATUS BYTES BYTES" comes, followed by so many bytes of its stdout and of its stderr. ID 0 says that the agent is
// there. Several commands may run at a time. In the guest a command's files are /run/ID.{sh,out,err,pid}.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tools/machines/guest_image.h"
#include "tools/machines/initramfs.h"
#include "tools/machines/process.h"
#include "tools/support/fd.h"
#include "tools/support/folder.h"

namespace machines {

struct PeerConfig {
  std::string name = "peer";            // in error messages
  std::filesystem::path switch_socket;  // the port of the switch
  std::string ip = "10.77.8.1/16";      // beside the addresses that a rack of `lego run` has
  std::string mac = "52:54:4c:47:08:01";
  unsigned mtu = 4200;  // of eth0: a path MTU of 4096; 1500 gives 1024
  unsigned memory_mb = 512;
  GuestFiles files;  // more files for the guest: programs of ours, scripts
};

// QEMU's command line for such a guest, without its initrd's extra files and its ports.
std::vector<std::string> guest_arguments(const PeerConfig& config, const std::filesystem::path& initrd);

class LinuxPeer {
 public:
  struct Finished {
    int status = -1;  // of the shell; 128 + N for signal N
    std::string out;
    std::string error;
    bool ok() const { return status == 0; }
  };
  using Job = unsigned;

  explicit LinuxPeer(PeerConfig config);

  // Boots it and waits until rxe0 and the agent are there. Two peers boot in the time of one with boot() on both first.
  void start() {
    boot();
    wait_until_ready();
  }
  void boot();
  void wait_until_ready(unsigned seconds = 180);
  // Ends QEMU.
  void stop();
  bool running() { return process_ && process_->running(); }

  // Runs a shell command to its end.
  Finished run(const std::string& command, unsigned seconds = 180) {
    return wait(start_in_background(command), seconds);
  }
  Job start_in_background(const std::string& command);
  Finished wait(Job job, unsigned seconds = 180);
  // Whether the job has ended (wait() then returns at once).
  bool ended(Job job);
  // Until the job's stdout or stderr contains the text; false: the job ended without it.
  bool wait_for_output(Job job, const std::string& text, unsigned seconds = 180);
  // What a job that still runs has said.
  std::string output_so_far(Job job);
  // A signal for the job and all that it started.
  void signal(Job job, const std::string& signal = "TERM");

  // Until a program of the guest listens on this port of librdmacm (rping: 7174).
  void wait_for_listener(unsigned port, unsigned seconds = 60);

  std::string ip() const { return config_.ip.substr(0, config_.ip.find('/')); }
  std::string console() const { return process_ ? process_->last_words() : ""; }

 private:
  [[noreturn]] void fail(const std::string& what);
  // Takes in what the agent says; false: nothing came in that time.
  bool listen(int timeout_ms);
  void take_answers();

  PeerConfig config_;
  support::Folder folder_;
  support::Fd agent_;
  std::optional<Process> process_;
  std::string heard_;  // not yet understood
  bool ready_ = false;
  Job last_job_ = 0;
  std::map<Job, Finished> finished_;
};

}  // namespace machines
