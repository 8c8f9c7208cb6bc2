// SPDX-License-Identifier: Apache-2.0
// An image that is there already is never overwritten: a vNode may have written to it.
#include "tools/command/image_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "tools/rootfs/debian_image.h"
#include "tools/rootfs/make_image.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace command {
namespace {

namespace fs = std::filesystem;
using support::Failure;

// Under another name until it is complete.
template <typename Make>
void make_new(const fs::path& image, const Make& make) {
  if (fs::exists(fs::symlink_status(image))) {
    throw Failure(fmt::format("{} exists already; remove it first", image.string()));
  }
  fs::path making = image;
  making += ".making";
  try {
    make(making);
    fs::rename(making, image);
  } catch (...) {
    std::error_code ignored;
    fs::remove(making, ignored);
    throw;
  }
}

}  // namespace

int image_command(const std::vector<std::string>& arguments) {
  CLI::App app("Makes root file systems for `lego run --root`.", "tools/lego image");
  app.require_subcommand(1);
  fs::path image;
  fs::path folder;
  std::vector<std::string> packages;
  CLI::App* debian = app.add_subcommand("debian", "A Debian 12 root with these packages and what they need");
  debian->add_option("image", image, "The ext4 image to make")->required();
  debian->add_option("packages", packages, "Names of packages, besides Debian's essential ones");
  CLI::App* directory = app.add_subcommand(
      "directory", "A root from a folder; all of it is owned by 0:0, unless this runs under fakeroot");
  directory->add_option("folder", folder, "What becomes the root")->required();
  directory->add_option("image", image, "The ext4 image to make")->required();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    throw Failure(fmt::format("image: {}", error.what()));
  }
  if (debian->parsed()) {
    make_new(image, [&](const fs::path& making) {
      rootfs::copy_sparse(rootfs::debian_image(support::build_folder() / "images", packages), making);
      fs::permissions(making, fs::perms(0644));
    });
  } else {
    if (!fs::is_directory(folder)) throw Failure(fmt::format("image: {} is not a folder", folder.string()));
    make_new(image, [&](const fs::path& making) { rootfs::make_image(folder, making, rootfs::default_room_bytes); });
  }
  return 0;
}

}  // namespace command
