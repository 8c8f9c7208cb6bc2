// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/guest_image.h"

#include <stdexcept>

#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace machines {
namespace {

std::filesystem::path guest_file(const char* name) {
  const std::filesystem::path file = std::filesystem::path(GUEST_FOLDER) / name;
  if (!exists(file)) throw std::runtime_error("there is no " + file.string() + " (" MAKE_GUEST_IMAGE " makes it)");
  return file;
}

}  // namespace

void make_guest_image() {
  if (support::run_attached({MAKE_GUEST_IMAGE, GUEST_FOLDER}) != 0) {
    throw support::Failure("the image of the Linux guest cannot be made");
  }
}

std::filesystem::path guest_kernel() { return guest_file("kernel"); }
std::filesystem::path guest_initramfs() { return guest_file("peer.cpio"); }

}  // namespace machines
