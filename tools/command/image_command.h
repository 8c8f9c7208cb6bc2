// SPDX-License-Identifier: Apache-2.0
// `lego image debian IMAGE [packages…]` and `lego image directory DIR IMAGE`: root file systems for `lego run --root`.
#pragma once

#include <string>
#include <vector>

namespace command {

int image_command(const std::vector<std::string>& arguments);

}  // namespace command
