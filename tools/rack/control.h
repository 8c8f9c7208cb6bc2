// SPDX-License-Identifier: Apache-2.0
// What lego and the guardian tell each other, as text packets over a SOCK_SEQPACKET pair. The pair is also the life
// line: the end of either process closes it, however that process ended.
//   guardian: "folder PATH"       its private temporary folder, before anything else
//   lego:     "start"             the processes of FOLDER/plan.json
//   guardian: "started"           all of them run
//   guardian: "exited NAME HOW"   one of them ended without being asked to
//   guardian: "failed TEXT"       it could not do what it was told
//   lego:     "stop"              end the processes, keep the folder
//   guardian: "stopped"           none is left
// When lego closes its end, the guardian ends what is left, removes the folder and exits.
#pragma once

#include <optional>
#include <string>

namespace rack {

inline constexpr const char* plan_name = "plan.json";

// False if the other end is gone.
bool send_packet(int fd, const std::string& packet);
// Waits for the next packet; nothing if the other end is gone.
std::optional<std::string> receive_packet(int fd);

}  // namespace rack
