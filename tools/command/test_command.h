// SPDX-License-Identifier: Apache-2.0
// `lego test [SELECTION...]`: runs ctest over what the bootstrap built. Without a selection: everything but the long
// suites (label "long"). Selections are kinds of tests, `full`, or names of tests.
#pragma once

#include <string>
#include <vector>

namespace command {

int test_command(const std::vector<std::string>& arguments);

}  // namespace command
