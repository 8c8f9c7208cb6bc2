// SPDX-License-Identifier: Apache-2.0
// Holds a capture against this library: decodes every RoCEv2 packet into fields (and CM datagrams into theirs), encodes
// it again from the fields alone, compares bit for bit, and verifies the ICRC. What is not RoCEv2 is named. Hosted.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "net/roce/pcap_reader.h"

namespace roce {

enum class Verdict : std::uint8_t {
  Sound,  // a RoCEv2 packet that verifies and encodes to what it was
  Other,  // not RoCEv2
  Fault,  // a RoCEv2 packet that does not, or what might be one but is cut off
};

struct FrameReport {
  Verdict verdict = Verdict::Other;
  bool icrc_good = false;
  std::string text;  // one line, without frame number
};

FrameReport examine(const CapturedFrame& frame);

// Prints a line for each frame and a summary. 0: every RoCEv2 packet is sound; 1: not, or the file is damaged.
int print_capture(const std::string& path, std::ostream& out);

}  // namespace roce
