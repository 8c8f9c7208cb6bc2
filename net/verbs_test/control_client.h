// SPDX-License-Identifier: Apache-2.0
// A program's connection to the verbs test service of an image (control.h), over net/verbs. One question at a time.
#pragma once

#include "net/verbs_test/channel.h"

namespace verbs_test {

class ControlClient {
 public:
  // `slot`: its control part is used.
  ControlClient(World& world, Slot& slot) : world_(world), slot_(slot), channel_(world) {}

  base::Task<> connect(verbs::Gid image);
  // IoError: the connection broke; what the image answers may be an error of its own.
  base::Task<ControlAnswer> ask(ControlRequest request);

 private:
  World& world_;
  Slot& slot_;
  Channel channel_;
};

}  // namespace verbs_test
