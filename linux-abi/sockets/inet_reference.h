// SPDX-License-Identifier: Apache-2.0
// References to a vNode's internet sockets for who only holds them: lwIP's headers stay where they are used.
#pragma once

#include "processor/reference.h"

namespace linux_abi {
class InetSpace;
}

namespace processor {
template <>
struct ReferenceCount<linux_abi::InetSpace> {
  static void take(linux_abi::InetSpace& space);
  static void drop(linux_abi::InetSpace& space);
};
}  // namespace processor
