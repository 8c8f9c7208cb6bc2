// SPDX-License-Identifier: Apache-2.0
// Marks of file handles: see file_handles.h. SipHash (Aumasson and Bernstein, 2012) of a message of 16 bytes.
#include "linux-abi/files/file_handles.h"

#include <bit>

namespace linux_abi {
namespace {

struct State {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b;
    a += d;
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }
  void add(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

}  // namespace

std::uint64_t handle_mark(const HandleKey& key, std::uint64_t file, std::uint64_t device) {
  constexpr std::uint64_t message_bytes = 16;
  State state{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
              key[1] ^ 0x7465646279746573};
  state.add(file);
  state.add(device);
  state.add(message_bytes << 56);
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace linux_abi
