// SPDX-License-Identifier: Apache-2.0
#include "tools/rootfs/machine_names.h"

#include <fstream>

#include "tools/support/failure.h"

namespace rootfs {

void write_machine_names(const std::filesystem::path& etc) {
  const auto write = [&](const char* name, const char* text) {
    const std::filesystem::path path = etc / name;
    std::ofstream file(path);
    if (!(file << text).flush()) throw support::Failure("cannot write " + path.string());
    std::filesystem::permissions(path, std::filesystem::perms(0644));
  };
  write("hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tlego\n::1\tlocalhost ip6-localhost ip6-loopback\n");
  write("hostname", "lego\n");
  write("resolv.conf", "");
}

}  // namespace rootfs
