// SPDX-License-Identifier: Apache-2.0
// The set of cores (CPU affinity), which belongs to the policy, under the name that users of threads know.
#pragma once

#include "kernel/threads/policy/core_mask.h"

namespace threads {

using CoreMask = policy::CoreMask;

}  // namespace threads
