// SPDX-License-Identifier: Apache-2.0
// The minimal root, laid out in a folder first. Its name in the cache tells the busybox it was made of, so that another
// busybox makes another image.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tools/rootfs/cached_image.h"
#include "tools/rootfs/machine_names.h"
#include "tools/rootfs/make_image.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace rootfs {
namespace {

namespace fs = std::filesystem;

constexpr int layout_version = 1;  // counted up when the content below changes

void write_text(const fs::path& path, std::string_view text) {
  std::ofstream(path) << text;
  chmod(path.c_str(), 0644);
}

void make_folder(const fs::path& path, mode_t mode) {
  fs::create_directories(path);
  chmod(path.c_str(), mode);
}

fs::path find_busybox() {
  for (const char* path : {"/bin/busybox", "/usr/bin/busybox"}) {
    if (access(path, X_OK) == 0) return path;
  }
  throw support::Failure("there is no busybox on this machine (package busybox-static)");
}

void install_busybox(const fs::path& busybox, const fs::path& root) {
  fs::copy_file(busybox, root / "bin/busybox");
  chmod((root / "bin/busybox").c_str(), 0755);
  const auto listed = support::run_captured({busybox, "--list-full"});
  std::istringstream applets(listed.output);
  for (std::string applet; std::getline(applets, applet);) {
    if (applet.find('/') == applet.npos || applet == "bin/busybox") continue;  // linuxrc
    // Hard links: a path costs no further look-up on its way to the program.
    fs::create_hard_link(root / "bin/busybox", root / applet);
  }
}

void lay_out(const fs::path& busybox, const fs::path& root) {
  make_folder(root, 0755);
  for (const char* folder :
       {"bin",     "sbin", "usr", "usr/bin", "usr/sbin", "usr/lib", "lib",  "etc", "dev", "dev/shm",
        "dev/pts", "proc", "sys", "run",     "var",      "var/log", "home", "mnt", "opt", "srv"}) {
    make_folder(root / folder, 0755);
  }
  for (const char* folder : {"tmp", "var/tmp", "dev/shm"}) make_folder(root / folder, 01777);
  make_folder(root / "root", 0700);
  fs::create_symlink("/run", root / "var/run");
  fs::create_symlink("/proc/self/mounts", root / "etc/mtab");
  write_text(root / "etc/passwd",
             "root:x:0:0:root:/root:/bin/sh\n"
             "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
             "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n");
  write_text(root / "etc/group", "root:x:0:\ndaemon:x:1:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n");
  write_text(root / "etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n");
  write_machine_names(root / "etc");
  write_text(root / "etc/shells", "/bin/sh\n");
  write_text(root / "etc/profile", "PS1='\\w # '\nexport PS1\n");
  install_busybox(busybox, root);
}

}  // namespace

fs::path default_image(const fs::path& cache) {
  const fs::path busybox = find_busybox();
  struct stat status;
  if (stat(busybox.c_str(), &status) != 0) throw support::Failure("busybox cannot be read");
  const fs::path image =
      cache / fmt::format("default-{}-{}-{}.ext4", layout_version, status.st_size, status.st_mtim.tv_sec);
  if (fs::exists(image)) return image;
  make_cached(cache, image, [&](const fs::path& folder) {
    lay_out(busybox, folder / "root");
    make_image(folder / "root", folder / "image", default_room_bytes);
  });
  return image;
}

}  // namespace rootfs
