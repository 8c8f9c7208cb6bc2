// SPDX-License-Identifier: Apache-2.0
// Prints docs/linux-abi.md from the rows of all system calls. With --check FILE: says whether FILE is that text (0), or
// where it differs (1).
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include "linux-abi/calls/rows.h"
#include "linux-abi/trace/flag_names.h"

namespace {

struct Row {
  int number;
  std::string_view name;
  std::string_view arguments;
  std::string_view missing;
};
#define ROW(name, arguments, ...) Row{__NR_##name, #name, arguments, "" __VA_ARGS__},
constexpr Row rows[] = {LINUX_CALLS(ROW)};
#undef ROW
#define ROW(name, why) Row{__NR_##name, #name, "", why},
constexpr Row absent[] = {LINUX_ABSENT_CALLS(ROW)};
#undef ROW

std::string arguments_of(const Row& row) {
  std::string text;
  for (const char letter : row.arguments) {
    if (!text.empty()) text += ", ";
    text += linux_abi::meaning_of(letter);
  }
  return text;
}

std::string document() {
  std::ostringstream out;
  std::size_t partial = 0;
  for (const Row& row : rows) partial += row.missing.empty() ? 0 : 1;
  out << "# System calls\n\n"
         "Made from `linux-abi/calls/rows.h`, which also dispatch, `--trace syscalls` and the counters of `--stats` "
         "come\n"
         "from: `linux_abi_document > docs/linux-abi.md`. A test holds this file to it.\n\n"
      << "The personality serves " << std::size(rows) << " of Linux's calls, " << partial
      << " of them in part. What is in neither table below is ENOSYS, counted by its number.\n\n"
         "| number | call | arguments | status |\n|---|---|---|---|\n";
  for (const Row& row : rows)
    out << "| " << row.number << " | " << row.name << " | " << arguments_of(row) << " | "
        << (row.missing.empty() ? "full" : "partial: " + std::string(row.missing)) << " |\n";
  out << "\n## Not there on purpose\n\n| number | call | why |\n|---|---|---|\n";
  for (const Row& row : absent) out << "| " << row.number << " | " << row.name << " | " << row.missing << " |\n";
  return out.str();
}

int check(const std::string& path) {
  std::ifstream file(path);
  const std::string found((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string made = document();
  if (found == made) return 0;
  std::istringstream left(found), right(made);
  std::string old_line, new_line;
  for (int line = 1;; ++line) {
    const bool has_old = static_cast<bool>(std::getline(left, old_line));
    const bool has_new = static_cast<bool>(std::getline(right, new_line));
    if (has_old && has_new && old_line == new_line) continue;
    std::cerr << path << ":" << line << ": is\n  " << (has_old ? old_line : "(the end)") << "\nand should be\n  "
              << (has_new ? new_line : "(the end)") << "\n";
    return 1;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::string_view(arguments[1]) == "--check") return check(arguments[2]);
  if (count != 1) {
    std::cerr << "usage: linux_abi_document [--check FILE]\n";
    return 2;
  }
  std::cout << document();
  return 0;
}
