// SPDX-License-Identifier: Apache-2.0
#include "tools/command/pcap_command.h"

#include <unistd.h>

#include <iostream>

#include "net/roce/capture.h"
#include "tools/support/failure.h"

namespace command {

int pcap_command(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && (arguments[0] == "--help" || arguments[0] == "-h")) {
    std::cout << "Usage: tools/lego pcap FILE\n"
                 "Decodes the RoCEv2 packets of a capture, one line each, encodes them again from the parsed fields\n"
                 "alone and compares. Status 0: all ICRCs verify and all packets are the same bit for bit.\n";
    return 0;
  }
  if (arguments.size() != 1) throw support::Failure("pcap: which file? tools/lego pcap FILE");
  if (access(arguments[0].c_str(), R_OK) != 0) throw support::Failure("pcap: cannot read " + arguments[0]);
  return roce::print_capture(arguments[0], std::cout);
}

}  // namespace command
