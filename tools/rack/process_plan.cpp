// SPDX-License-Identifier: Apache-2.0
#include "tools/rack/process_plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/support/failure.h"

namespace rack {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PlannedProcess, name, arguments, log, announces_ready)

std::string to_json(const ProcessPlan& plan) {
  // Arguments are bytes, not necessarily UTF-8.
  return nlohmann::json(plan).dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ProcessPlan plan_from_json(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<ProcessPlan>();
  } catch (const nlohmann::json::exception& error) {
    throw support::Failure(fmt::format("the plan of the rack cannot be read: {}", error.what()));
  }
}

}  // namespace rack
