// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about sockets.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> socket(Call& call);
Answer<std::uint64_t> socketpair(Call& call);
Answer<std::uint64_t> bind(Call& call);
Answer<std::uint64_t> listen(Call& call);
Answer<std::uint64_t> accept(Call& call);
Answer<std::uint64_t> accept4(Call& call);
Answer<std::uint64_t> connect(Call& call);
Answer<std::uint64_t> getsockname(Call& call);
Answer<std::uint64_t> getpeername(Call& call);
Answer<std::uint64_t> sendto(Call& call);
Answer<std::uint64_t> recvfrom(Call& call);
Answer<std::uint64_t> sendmsg(Call& call);
Answer<std::uint64_t> recvmsg(Call& call);
Answer<std::uint64_t> sendmmsg(Call& call);
Answer<std::uint64_t> recvmmsg(Call& call);
Answer<std::uint64_t> shutdown(Call& call);
Answer<std::uint64_t> getsockopt(Call& call);
Answer<std::uint64_t> setsockopt(Call& call);

}  // namespace linux_abi::calls
