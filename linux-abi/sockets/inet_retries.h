// SPDX-License-Identifier: Apache-2.0
// Bytes and segments that lwIP finds no memory for are lost, or kept, until its timers run. Nothing else needs those,
// so they stand still; this lets them run from when memory was short until nothing waits for them.
#pragma once

namespace linux_abi {

// Once, after the timer service.
void start_inet_retries();

}  // namespace linux_abi
