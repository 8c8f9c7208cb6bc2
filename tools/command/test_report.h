// SPDX-License-Identifier: Apache-2.0
// What a ctest run did, read from its JSON listing and its JUnit file: which kinds of tests there are, and whether any
// was skipped. A test that did not run proves nothing, so it counts as failed, whatever ctest says.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace command {

inline constexpr std::string_view kinds[] = {"unit", "sim", "rack", "interop", "debian", "fuzz"};
std::string_view kind_covers(std::string_view kind);

struct ListedTest {
  std::string name;
  std::set<std::string> labels;
  bool serial = false;
  bool disabled = false;
};
// From `ctest --show-only=json-v1`. Throws support::Failure for text that is no such listing.
std::vector<ListedTest> parse_listing(const std::string& json);

// What is wrong with the declarations: a test of no kind would never be selected, and rack tests must not run side by
// side. Empty if nothing is.
std::vector<std::string> check_listing(const std::vector<ListedTest>& tests);

enum class Outcome { Passed, Failed, NotRun };
struct RanTest {
  Outcome outcome = Outcome::NotRun;
  double seconds = 0;
  unsigned cases = 0;    // GoogleTest cases in it, or 1
  unsigned skipped = 0;  // GoogleTest cases that skipped themselves
};
std::map<std::string, RanTest> parse_junit(std::string_view xml);

// The tests of the listing that did not pass, those that did not run included, one line each.
std::vector<std::string> not_passed(const std::vector<ListedTest>& listed, const std::map<std::string, RanTest>& ran);

// The table that says what the run covered, one line for each kind.
std::string coverage(const std::vector<ListedTest>& listed, const std::map<std::string, RanTest>& ran);

}  // namespace command
