// SPDX-License-Identifier: Apache-2.0
// TRY returns out of an expression. Between the braces of an aggregate or array, GCC 12 then forgets to destroy the
// elements before it (references to files that nobody drops). So no TRY stands behind a comma between braces, but for
// the places named here, whose elements have no destructors.
#include <ctype.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const std::set<std::string> harmless{"kernel/core/cores.cpp", "storage/service/file_service.cpp",  // numbers
                                     "linux-abi/calls/calls_xattrs.cpp"};                          // an empty reference

// Of a list, not of a block: "name{", "= {", "({", ", {" and the like, as the formatter writes them.
bool opens_a_list(const std::string& text, std::size_t brace) {
  if (brace == 0) return false;
  const char before = text[brace - 1];
  if (before != ' ') return isalnum(before) != 0 || before == '_' || before == '>' || before == '(' || before == '{';
  return brace > 1 && (text[brace - 2] == '=' || text[brace - 2] == ',' || text.substr(0, brace).ends_with("return "));
}

// Whether this TRY is an element of a braced list and not its first: on the way back to the brace that holds it there
// is a comma, and no statement ends.
bool is_behind_an_element(const std::string& text, std::size_t at) {
  int depth = 0;
  bool comma = false;
  while (at-- > 0) {
    const char each = text[at];
    if (each == ')' || each == ']' || each == '}') ++depth;
    if (each == '(' || each == '[') {
      if (depth == 0) return false;  // an argument of a call: those are destroyed
      --depth;
    }
    if (each == '{') {
      if (depth == 0) return comma && opens_a_list(text, at);
      --depth;
    }
    if (depth > 0) continue;
    if (each == ';') return false;
    comma |= each == ',';
  }
  return false;
}

std::vector<std::size_t> mistakes(const std::string& text) {
  std::vector<std::size_t> found;
  for (std::size_t at = text.find("TRY("); at != std::string::npos; at = text.find("TRY(", at + 1))
    if (is_behind_an_element(text, at)) found.push_back(at);
  return found;
}

TEST(Aggregates, TheCheckFindsThem) {
  EXPECT_EQ(mistakes("Two two{.a = TRY(f()), .b = TRY(f())};").size(), 1U);
  EXPECT_EQ(mistakes("return Two{std::move(x), TRY(f(a, b))};").size(), 1U);
  EXPECT_EQ(mistakes("return Two{TRY(f({1, 2})), 3};").size(), 0U);
  EXPECT_EQ(mistakes("int f() {\n  const T a = TRY(f()), b = TRY(f());").size(), 0U);
  EXPECT_EQ(mistakes("{ int a, b; g(1, 2); TRY(f()); }").size(), 0U);
  EXPECT_EQ(mistakes("g({1, call(2, TRY(f()))});").size(), 0U);
}

TEST(Aggregates, NoneReturnsBetweenItsElements) {
  const fs::path root = TEST_DATA;
  unsigned files = 0;
  for (const char* folder : {"arch", "kernel", "processor", "memory", "storage", "gmm", "net", "linux-abi", "tools"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".cpp" && extension != ".h") continue;
      ++files;
      const std::string name = fs::relative(entry.path(), root).string();
      if (harmless.contains(name)) continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      for (const std::size_t at : mistakes(text.str()))
        ADD_FAILURE() << name << ": " << text.str().substr(at, text.str().find('\n', at) - at);
    }
  }
  EXPECT_GT(files, 1000U);
}

}  // namespace
