// SPDX-License-Identifier: Apache-2.0
// What only Linux programs can say to their platform.
#pragma once

#include <cstdio>

namespace base::platform {

// Log lines go there (stderr at first). For programs whose stderr is someone else's, as lego's is.
void set_log_stream(std::FILE* stream);

}  // namespace base::platform
