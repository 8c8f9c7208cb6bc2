// SPDX-License-Identifier: Apache-2.0
// `lego run --managers linux_managers`: started like gmmd on a port of the switch, but becomes a Linux guest on that
// port in which gmmd runs over libibverbs and soft-RoCE. When gmmd ends, so does the guest. The image with gmmd goes
// beside the port's socket, in the rack's private folder.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "tools/machines/linux_peer.h"

namespace {

namespace fs = std::filesystem;

constexpr const char* rack_key = "opt/lego/rack-key";

fs::path write_script(const fs::path& folder, const machines::PeerConfig& config) {
  const fs::path path = folder / "run-gmmd";
  std::ofstream(path) << "cat /sys/firmware/qemu_fw_cfg/by_name/" << rack_key << "/raw >/run/rack-key\n"
                      << "exec /usr/bin/gmmd --name " << config.name << " --fabric verbs:rxe0 --ip " << config.ip
                      << " --key /run/rack-key\n";
  return path;
}

void become_guest(const machines::PeerConfig& config, const std::string& key) {
  const fs::path folder = config.switch_socket.parent_path();
  const fs::path initrd = folder / "gmmd.cpio";
  machines::add_files(machines::guest_initramfs(),
                      {{PROGRAM_GMMD, "/usr/bin/gmmd"}, {write_script(folder, config), "/run.sh"}}, initrd);
  std::vector<std::string> arguments = machines::guest_arguments(config, initrd);
  arguments.insert(arguments.end(), {"-fw_cfg", std::string("name=") + rack_key + ",file=" + key});
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  throw std::runtime_error("QEMU cannot be started");
}

}  // namespace

int main(int count, char** values) {
  CLI::App app("gmmd in a Linux guest", "linux_managers");
  machines::PeerConfig config;
  std::string socket, key;
  app.add_option("--name", config.name)->required();
  app.add_option("--switch", socket)->required();
  app.add_option("--ip", config.ip)->required();
  app.add_option("--mac", config.mac)->required();
  app.add_option("--key", key)->required();
  CLI11_PARSE(app, count, values);
  config.switch_socket = socket;
  try {
    become_guest(config, key);
  } catch (const std::exception& error) {
    fprintf(stderr, "linux_managers: %s\n", error.what());
  }
  return 1;
}
