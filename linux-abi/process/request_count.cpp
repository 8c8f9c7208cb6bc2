// SPDX-License-Identifier: Apache-2.0
#include "linux-abi/process/request_count.h"

namespace linux_abi {
namespace {
RequestCounter* counter_of_component = nullptr;
}

void set_request_counter(RequestCounter& counter) { counter_of_component = &counter; }

std::uint64_t requests_made() { return counter_of_component == nullptr ? 0 : counter_of_component->requests(); }

}  // namespace linux_abi
