// SPDX-License-Identifier: Apache-2.0
#include "tests/debian/root_run.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <sstream>

#include "tools/support/child.h"
#include "tools/support/folder.h"

namespace debian {
namespace {

namespace fs = std::filesystem;
using harness::Ended;
using harness::RackRun;
using harness::Words;

const fs::path root_folder = ROOT_FOLDER;
const fs::path source_folder = SOURCE_FOLDER;

// All scripts; the runners lie among them.
std::vector<fs::path> scripts() {
  std::vector<fs::path> found{source_folder / "run_cases.sh", source_folder / "python_suite.sh"};
  for (const auto& entry : fs::directory_iterator(source_folder / "cases")) found.push_back(entry.path());
  return found;
}

Words runner(const Words& names) {
  Words command{"bash", "/cases/run_cases.sh"};
  command.insert(command.end(), names.begin(), names.end());
  return command;
}

// "==== NAME", the output, "==== NAME ended: STATUS".
CaseResults split(const std::string& text) {
  CaseResults results;
  std::istringstream lines(text);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    const std::string mark = "==== ", end = mark + name + " ended: ";
    // The last line of a case may lack its end.
    if (const auto at = name.empty() ? line.npos : line.find(end); at != line.npos) {
      results[name].output += line.substr(0, at);
      results[name].status = line.substr(at + end.size());
      name.clear();
    } else if (name.empty() && line.starts_with(mark)) {
      name = line.substr(mark.size());
    } else if (!name.empty()) {
      results[name].output += line + "\n";
    }
  }
  return results;
}

// Everything the programs had is free again, on every component.
void expect_all_given_back(const nlohmann::json& components) {
  for (const auto& [name, counters] : components.items()) {
    SCOPED_TRACE(name);
    if (name.starts_with("m")) {
      EXPECT_EQ(counters.at("frames").at("anonymous"), 0);
      EXPECT_EQ(counters.at("spaces"), 0);
      EXPECT_EQ(counters.at("objects"), 0);
    }
    if (name == "gmm") {
      EXPECT_EQ(counters.at("vregions"), 0);
      EXPECT_EQ(counters.at("launches"), 0);
    }
    if (name.starts_with("p")) {
      EXPECT_LE(counters.at("threads").at("now"), 8) << "more than the component's own";
    }
    if (!counters.contains("frames")) continue;
    const auto of = [&](const char* what) { return counters.at("frames").value(what, std::uint64_t{0}); };
    EXPECT_EQ(of("free") + of("kernel") + of("excache") + of("anonymous") + of("page_cache"), of("total"));
  }
}

}  // namespace

Ended run_in_vnode(const Words& command, const Words& options, unsigned seconds) {
  const support::Folder folder;
  const fs::path image = folder.path() / "root.ext4";
  const Ended copied = harness::run_here({"cp", "--sparse=always", root_folder / "root.ext4", image});
  EXPECT_EQ(copied.status, 0) << copied.error;
  Words all{"--root", image, "--memory", "1G"};
  for (const fs::path& script : scripts()) {
    all.insert(all.end(), {"--file", script.string() + "=/cases/" + script.filename().string()});
  }
  all.insert(all.end(), options.begin(), options.end());
  RackRun rack(all, command);
  rack.close_input();
  const Ended ended = rack.wait(seconds);
  const Ended check = harness::run_here({"e2fsck", "-fn", image});
  EXPECT_EQ(check.status, 0) << check.out;
  EXPECT_GE(ended.status, 0) << "took more than " << seconds << " seconds";
  if (ended.status >= 0) expect_all_given_back(rack.stats().at("components"));
  return ended;
}

Ended run_natively(const Words& command) {
  for (const fs::path& script : scripts()) {
    fs::copy_file(script, root_folder / "tree/cases" / script.filename(), fs::copy_options::overwrite_existing);
  }
  Words all{source_folder / "native.sh", root_folder / "tree"};
  all.insert(all.end(), command.begin(), command.end());
  return harness::run_here(all);
}

CaseResults run_cases_natively(const Words& names) {
  const Ended ended = run_natively(runner(names));
  EXPECT_EQ(ended.status, 0) << ended.error << "(the reference is a chroot in namespaces of its own: native.sh)";
  return split(ended.out);
}

CaseResults run_cases_in_vnode(const Words& names, const Words& options, unsigned seconds) {
  const Ended ended = run_in_vnode(runner(names), options, seconds);
  EXPECT_EQ(ended.status, 0) << ended.error;
  return split(ended.out);
}

}  // namespace debian
