// SPDX-License-Identifier: Apache-2.0
// Both sides of rping (rdma-core, librdmacm/examples), whose protocol is its own: the client names a buffer, the server
// READs it and says so; the client names another, the server WRITEs the same string there and says so.
#pragma once

#include "net/verbs_test/tasks.h"

namespace verbs_test {

// Connects to request.port at request.peer.gid; `iterations` pings of `size` bytes (with the final zero).
base::Task<> rping_client(TaskContext context);
// Serves a connection until the client ends it.
base::Task<> rping_server(TaskContext context);
// What a connection of rping needs; the receives are posted before the connection is made.
Result<> open_rping(const TaskContext& context);

}  // namespace verbs_test
