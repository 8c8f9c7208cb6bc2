// SPDX-License-Identifier: Apache-2.0
// mmdebstrap writes a tar archive, whoever runs it. fakeroot unpacks that and makes the image, for its owners and
// device nodes are not a plain user's to give: both happen in one fakeroot, which is this program once more.
#include "tools/rootfs/debian_image.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tools/rootfs/cached_image.h"
#include "tools/rootfs/machine_names.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace rootfs {
namespace {

namespace fs = std::filesystem;

constexpr int layout_version = 2;  // counted up when the same packages would make another image
constexpr std::string_view release = "bookworm";

bool is_package_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == ':';
  };
  return !name.empty() && name[0] != '-' && std::ranges::all_of(name, allowed);
}

// The machine's own archive if that machine is of the release that is made; mmdebstrap knows one otherwise.
std::string machine_sources() {
  const auto listed = support::run_captured(
      {"apt-get", "indextargets", "--format", "$(ORIGIN) deb $(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"});
  std::set<std::string> sources;
  std::istringstream lines(listed.output);
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view origin = "Debian ";
    const bool ours = line.starts_with(origin) && line.find(release) != line.npos;
    if (ours) sources.insert(line.substr(origin.size()));
  }
  const bool whole = std::ranges::any_of(
      sources, [](const std::string& source) { return source.find(fmt::format(" {} main", release)) != source.npos; });
  return whole ? fmt::format("{}\n", fmt::join(sources, "\n")) : std::string();
}

// The end of what a program said, without its lines of progress ("I: ...").
std::string complaints(const std::string& output) {
  std::string kept;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("I: ")) kept += line + "\n";
  }
  return kept.substr(kept.size() - std::min<std::size_t>(kept.size(), 2000));
}

void bootstrap(const std::vector<std::string>& packages, const fs::path& folder, const fs::path& archive) {
  support::Arguments arguments = {"mmdebstrap", "--variant=minbase", "--format=tar"};
  if (!packages.empty()) arguments.push_back(fmt::format("--include={}", fmt::join(packages, ",")));
  arguments.push_back(std::string(release));
  arguments.push_back(archive);
  const std::string sources = machine_sources();
  if (!sources.empty()) {
    std::ofstream(folder / "sources.list") << sources;
    arguments.push_back(folder / "sources.list");
  }
  const auto made = support::run_captured(arguments);
  if (made.status == 0) return;
  throw support::Failure(fmt::format("mmdebstrap failed ({}):\n{}", made.status, complaints(made.output)));
}

// With `etc`, what is in that folder, in place of the building machine's names.
void unpack_into_image(const fs::path& archive, const fs::path& etc, const fs::path& folder, const fs::path& image) {
  constexpr const char* script =
      "tar -xpf \"$1\" -C \"$3\" --exclude='./dev/*' && install -m 644 \"$2\"/* \"$3\"/etc && "
      "\"$0\" image directory \"$3\" \"$4\"";
  const auto made = support::run_captured(
      {"fakeroot", "sh", "-c", script, fs::read_symlink("/proc/self/exe"), archive, etc, folder, image});
  if (made.status != 0) throw support::Failure(fmt::format("the image cannot be made: {}", made.output));
}

// Which packages an image was made of lies beside it.
std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

fs::path debian_image(const fs::path& cache, const std::vector<std::string>& packages) {
  for (const std::string& name : packages) {
    if (!is_package_name(name)) throw support::Failure(fmt::format("'{}' is not the name of a package", name));
  }
  const std::set<std::string> sorted(packages.begin(), packages.end());
  const std::string key = fmt::format("{} {} {}\n", release, layout_version, fmt::join(sorted, " "));
  const fs::path image = cache / fmt::format("debian-{:016x}.ext4", std::hash<std::string>()(key));
  const fs::path made_of = fs::path(image).replace_extension("packages");
  if (fs::exists(image) && content_of(made_of) == key) return image;

  fmt::print(stderr, "lego: fetching and installing Debian packages, which takes minutes (kept in {})\n",
             cache.string());
  make_cached(cache, image, [&](const fs::path& folder) {
    bootstrap({sorted.begin(), sorted.end()}, folder, folder / "root.tar");
    for (const char* part : {"etc", "root"}) fs::create_directory(folder / part);
    write_machine_names(folder / "etc");
    unpack_into_image(folder / "root.tar", folder / "etc", folder / "root", folder / "image");
    std::ofstream(made_of) << key;
  });
  return image;
}

}  // namespace rootfs
