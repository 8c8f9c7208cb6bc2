// SPDX-License-Identifier: Apache-2.0
// Counters as JSON text: see json_counters.h.
#include "net/rpc/json_counters.h"

#include <algorithm>

#include "kernel/base/format.h"

namespace rpc {

void JsonCounters::put(std::string_view text) {
  if (total_ < buffer_.size()) {
    std::copy_n(text.begin(), std::min(text.size(), buffer_.size() - total_),
                buffer_.begin() + static_cast<std::ptrdiff_t>(total_));
  }
  total_ += text.size();
}

void JsonCounters::put_key(std::string_view key) {
  if (!first_) put(",");
  first_ = false;
  put("\"");
  put(key);
  put("\":");
}

void JsonCounters::close_objects(std::size_t depth) {
  for (; depth_ > depth; --depth_) put("}");
  first_ = false;
}

void JsonCounters::counter(std::string_view name, std::uint64_t value) {
  // How much of the open path this name shares, in whole parts.
  const std::string_view open(path_.data(), path_bytes_);
  std::size_t common = 0;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < std::min(open.size(), name.size()) && open[i] == name[i]; ++i) {
    if (name[i] != '.') continue;
    common = i + 1;
    ++depth;
  }
  if (depth < depth_) close_objects(depth);
  path_bytes_ = common;
  std::string_view rest = name.substr(common);
  for (std::size_t dot; (dot = rest.find('.')) != std::string_view::npos; rest.remove_prefix(dot + 1)) {
    if (path_bytes_ + dot + 1 > path_.size()) return;  // absurdly long
    put_key(rest.substr(0, dot));
    put("{");
    first_ = true;
    ++depth_;
    std::copy_n(rest.begin(), dot + 1, path_.begin() + static_cast<std::ptrdiff_t>(path_bytes_));
    path_bytes_ += dot + 1;
  }
  put_key(rest);
  std::array<char, 24> number;
  put(base::format(number, "{}", value));
}

std::size_t JsonCounters::finish() {
  close_objects(0);
  put("}");
  return total_;
}

}  // namespace rpc
