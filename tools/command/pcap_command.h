// SPDX-License-Identifier: Apache-2.0
// `lego pcap FILE`: holds a capture against net/roce, a line for each frame. The status is 0 only if every RoCEv2
// packet's ICRC verifies and encodes again to the same bits.
#pragma once

#include <string>
#include <vector>

namespace command {

int pcap_command(const std::vector<std::string>& arguments);

}  // namespace command
