// SPDX-License-Identifier: Apache-2.0
#include "tests/rack/run/counts.h"

#include <ctype.h>

#include <fstream>

namespace harness {

Counts what_is_left(const nlohmann::json& stats) {
  const auto& components = stats.at("components");
  Counts counts;
  const auto take = [&](const char* component, const char* pointer) {
    counts[std::string(component) + pointer] =
        components.at(component).at(nlohmann::json::json_pointer(pointer)).get<std::int64_t>();
  };
  take("p0", "/threads/now");
  take("p0", "/frames/anonymous");
  take("p0", "/frames/page_cache");
  for (const char* what : {"/files", "/objects", "/spaces", "/frames/anonymous", "/frames/page_cache",
                           "/page_cache/bytes", "/page_cache/dirty_pages", "/page_cache/in_memory_pages"})
    take("m0", what);
  take("gmm", "/vregions");
  take("gmm", "/launches");
  take("gmm", "/nodes/alive");
  return counts;
}

std::int64_t kernel_frames(const nlohmann::json& stats, const std::string& component) {
  return stats.at("components").at(component).at("frames").at("kernel").get<std::int64_t>();
}

std::string complaints(const std::filesystem::path& folder) {
  std::string all;
  for (const auto& log : std::filesystem::directory_iterator(folder / "logs")) {
    const std::string component = log.path().stem().string();
    if (component.size() < 2 || isdigit(component[1]) == 0) continue;
    std::ifstream lines(log.path());
    for (std::string line; std::getline(lines, line);)
      for (const char* bad : {" error ", "panic", "assertion"})
        if (line.find(bad) != std::string::npos) all += component + ": " + line + "\n";
  }
  return all;
}

}  // namespace harness
