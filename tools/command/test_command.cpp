// SPDX-License-Identifier: Apache-2.0
// Asks ctest what there is, runs it, and reads the JUnit file afterwards, because ctest itself is content with tests
// that were skipped, disabled or not there.
#include "tools/command/test_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "tools/command/test_report.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace command {
namespace {

struct Selection {
  bool full = false;
  std::vector<std::string> labels;
  std::vector<std::string> names;
};

Selection select(const std::vector<std::string>& words) {
  Selection selection;
  for (const std::string& word : words) {
    if (word == "full") {
      selection.full = true;
    } else if (std::ranges::find(kinds, word) != std::end(kinds)) {
      selection.labels.push_back(word);
    } else {
      selection.names.push_back(word);
    }
  }
  return selection;
}

support::Arguments filters(const Selection& selection) {
  support::Arguments arguments;
  if (!selection.labels.empty()) {
    arguments.insert(arguments.end(), {"-L", fmt::format("^({})$", fmt::join(selection.labels, "|"))});
  }
  if (!selection.names.empty()) {
    arguments.insert(arguments.end(), {"-R", fmt::format("({})", fmt::join(selection.names, "|"))});
  }
  if (!selection.full) arguments.insert(arguments.end(), {"-LE", "^long$"});
  return arguments;
}

std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

support::Arguments operator+(support::Arguments left, const support::Arguments& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace

int test_command(const std::vector<std::string>& arguments) {
  CLI::App app("Runs the tests and says what they cover. A test that does not run counts as failed.",
               "tools/lego test");
  std::vector<std::string> words;
  app.add_option("SELECTION", words, "unit, sim, rack, interop, debian, fuzz, full, or (parts of) names of tests");
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    throw support::Failure(error.what());
  }
  const support::Arguments chosen = filters(select(words));
  const std::string build = support::build_folder();
  const support::Arguments ctest = {"ctest", "--test-dir", build};
  const auto listing = support::run_captured(ctest + support::Arguments{"--show-only=json-v1"} + chosen);
  if (listing.status != 0) throw support::Failure(fmt::format("ctest cannot list the tests: {}", listing.output));
  const std::vector<ListedTest> listed = parse_listing(listing.output);
  if (listed.empty()) throw support::Failure("there is no such test");
  if (const auto complaints = check_listing(listed); !complaints.empty()) {
    throw support::Failure(fmt::format("tests are declared wrongly:\n  {}", fmt::join(complaints, "\n  ")));
  }
  const std::string junit = build + "/tests.xml";
  std::filesystem::remove(junit);
  const unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  const int status =
      support::run_attached(ctest +
                            support::Arguments{"--output-on-failure", "--test-output-size-passed", "1000000",
                                               "--output-junit", junit, "-j", std::to_string(jobs)} +
                            chosen);
  const auto ran = parse_junit(read_whole(junit));
  fmt::print("\nCovered by this run:\n{}", coverage(listed, ran));
  const std::vector<std::string> failures = not_passed(listed, ran);
  if (failures.empty() && status == 0) {
    fmt::print("{} tests passed, 0 skipped.\n", listed.size());
    return 0;
  }
  fmt::print("Not passed:\n  {}\n", fmt::join(failures, "\n  "));
  return status != 0 ? status : 1;
}

}  // namespace command
