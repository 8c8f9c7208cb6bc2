// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/image.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace machines {

void Image::start() {
  // The managers' address is nobody's. Room for a second core keeps QEMU from leaving out memory barriers.
  process_.emplace(
      std::vector<std::string>{
          "qemu-system-x86_64",
          "-machine",
          "q35",
          "-accel",
          "tcg,thread=multi",
          "-cpu",
          "max",
          "-smp",
          "1,maxcpus=2",
          "-m",
          std::to_string(config_.memory_mb),
          "-nodefaults",
          "-no-user-config",
          "-no-reboot",
          "-display",
          "none",
          "-serial",
          "stdio",
          "-device",
          "isa-debug-exit,iobase=0xf4,iosize=4",
          "-kernel",
          config_.file,
          "-append",
          fmt::format("name=image ip={} gmm=10.77.0.1 panic_exit=3 {}", config_.ip, config_.options),
          "-fw_cfg",
          "name=opt/lego/rack-key,string=0123456789abcdef0123456789abcdef",
          "-netdev",
          fmt::format("stream,id=net0,server=off,addr.type=unix,addr.path={}", config_.switch_socket.string()),
          "-device",
          fmt::format("virtio-net-pci,netdev=net0,mac={},host_mtu={},disable-legacy=on,romfile=", config_.mac,
                      config_.mtu)},
      folder_.path() / "console");
}

std::string Image::console() const {
  std::ifstream file(folder_.path() / "console", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Image::wait_for_line(const std::string& text, unsigned seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (console().find(text) == std::string::npos) {
    if (!running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(fmt::format("the image has not said '{}'; its console ends with:\n{}", text,
                                           process_ ? process_->last_words() : ""));
    }
    usleep(20'000);
  }
}

}  // namespace machines
