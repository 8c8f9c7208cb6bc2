// SPDX-License-Identifier: Apache-2.0
#include "tools/rack/accelerator.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "tools/rack/rack_plan.h"
#include "tools/support/failure.h"
#include "tools/support/fd.h"

namespace rack {
namespace {

using namespace std::chrono_literals;

// A fraction of a second where KVM is real: one that needs longer is slower than TCG.
constexpr auto boot_limit = 3s;
// What a pComponent's image logs, from a thread, when nobody says where its rack is (linux-abi/pcomponent.cpp): cores,
// memory, interrupts and threads work then.
constexpr const char* sign_of_life = "this pComponent cannot start";

std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string host_boot_id() {
  std::string id = read_whole("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace

bool boots(Accelerator accelerator, const std::filesystem::path& image, const std::filesystem::path& scratch) {
  const std::string console = scratch / "probe.log";
  std::error_code ignored;
  std::filesystem::remove(console, ignored);
  std::vector<std::string> arguments = {"qemu-system-x86_64"};
  for (std::string& argument : machine_arguments(accelerator)) arguments.push_back(std::move(argument));
  for (std::string argument :
       {std::string("-m"), std::string("256M"), std::string("-kernel"), image.string(), std::string("-append"),
        std::string("name=probe"), std::string("-serial"), "file:" + console}) {
    arguments.push_back(std::move(argument));
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int fd = 0; fd <= 2; ++fd) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return false;
  bool alive = false;
  bool ended = false;
  for (const auto end = std::chrono::steady_clock::now() + boot_limit;
       !alive && !ended && std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(10ms)) {
    alive = read_whole(console).find(sign_of_life) != std::string::npos;
    ended = waitpid(pid, nullptr, WNOHANG) == pid;
  }
  if (!ended) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  return alive;
}

Accelerator choose_accelerator(Accelerator wanted, const std::filesystem::path& image,
                               const std::filesystem::path& scratch, const std::filesystem::path& cache) {
  if (wanted == Accelerator::Tcg) return wanted;
  const support::Fd device(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (wanted == Accelerator::Kvm) {
    if (!device) throw support::Failure("--accel kvm: /dev/kvm cannot be opened");
    if (!boots(Accelerator::Kvm, image, scratch))
      throw support::Failure("--accel kvm: KVM is there, but does not boot our images");
    return Accelerator::Kvm;
  }
  if (!device) return Accelerator::Tcg;
  const std::filesystem::path answer = cache / "kvm";
  std::istringstream known(read_whole(answer));
  std::string boot_id;
  std::string word;
  if (known >> boot_id >> word && boot_id == host_boot_id())
    return word == "boots" ? Accelerator::Kvm : Accelerator::Tcg;
  const bool serves = boots(Accelerator::Kvm, image, scratch);
  std::error_code ignored;
  std::filesystem::create_directories(cache, ignored);
  std::ofstream(answer) << host_boot_id() << (serves ? " boots" : " fails") << "\n";
  return serves ? Accelerator::Kvm : Accelerator::Tcg;
}

}  // namespace rack
