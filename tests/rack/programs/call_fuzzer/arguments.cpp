// SPDX-License-Identifier: Apache-2.0
// Arguments: see arguments.h.
#include "arguments.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "arena.h"

namespace fuzzer {
namespace {

std::uint64_t word(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

std::uint64_t few_bits(Context& context) {
  Random& random = context.random;
  std::uint64_t value = 0;
  for (std::uint64_t bits = random.below(4); bits > 0; --bits)
    value |= 1ull << random.below(random.one_in(8) ? 64 : 20);
  return value;
}

std::uint64_t descriptor(Context& context) { return context.random.below(usual_descriptors); }

// Words that are numbers, descriptors, addresses or nothing.
void fill(Context& context, unsigned char* place, unsigned bytes) {
  Random& random = context.random;
  for (unsigned at = 0; at + 8 <= bytes; at += 8) {
    std::uint64_t value = 0;
    switch (random.below(8)) {
      case 0:
        value = edge(context);
        break;
      case 1:
        value = descriptor(context) | (descriptor(context) << 32);
        break;
      case 2:
        value = buffer_address(context);
        break;
      case 3:
        value = random.below(64) | (few_bits(context) << 32);
        break;
      case 4:
        value = few_bits(context);
        break;
      default:
        break;
    }
    memcpy(place + at, &value, 8);
  }
}

std::uint64_t path(Context& context, bool changed) {
  static constexpr const char* own[] = {"a",     "b",    "c",    "d",      "d/a", "d/b",   "d/e",
                                        "l",     "fifo", "sock", "d/../a", "./b", "d/e/f", "new",
                                        "d/new", "l/x",  "",     ".",      "d/.", "a/b",   "c/"};
  static constexpr const char* others[] = {"/",
                                           "/proc/self/exe",
                                           "/proc/self/fd/5",
                                           "/proc/self/fd/9",
                                           "/dev/null",
                                           "/dev/pts/0",
                                           "/proc/1/stat",
                                           "/proc/self/cwd",
                                           "/sys/kernel",
                                           "/etc/passwd",
                                           "/bin/busybox",
                                           "/dev/shm/x",
                                           "/tmp/../tmp",
                                           "/proc/2/maps",
                                           "/proc/self/mem",
                                           "/proc/self/cwd/a",
                                           "/nonexistent/x",
                                           "//",
                                           "/.."};
  Random& random = context.random;
  char* text = context.paths[random.below(4)];
  if (random.one_in(40)) {  // long, or not ended before memory is
    memset(text, 'x', path_bytes);
    for (unsigned i = 0; i < 4; ++i) text[random.below(path_bytes)] = '/';
    text[path_bytes - 1] = 0;
    return word(text);
  }
  strcpy(text, changed && context.privileged || random.one_in(2) ? random.of(own) : random.of(others));
  if (random.one_in(20)) text[random.below(4)] = static_cast<char>(random.next());
  return word(text);
}

void vectors(Context& context, unsigned char* place) {
  for (unsigned i = 0; i < room_bytes / sizeof(iovec); ++i) {
    const iovec vector{reinterpret_cast<void*>(buffer_address(context)),
                       context.random.one_in(20) ? edge(context) : context.random.below(300)};
    memcpy(place + i * sizeof vector, &vector, sizeof vector);
  }
}

// Mostly short: a call that sleeps is nothing to look at.
std::uint64_t time_value(Context& context, unsigned char* place) {
  Random& random = context.random;
  if (random.one_in(4)) return 0;
  const std::uint64_t words[4] = {
      random.one_in(30) ? edge(context) : 0, random.one_in(10) ? edge(context) : random.below(50000),
      random.one_in(30) ? edge(context) : 0, random.one_in(10) ? edge(context) : random.below(50000)};
  memcpy(place, words, sizeof words);
  return word(place);
}

std::uint64_t socket_address(Context& context, unsigned char* place) {
  Random& random = context.random;
  fill(context, place, 128);
  static constexpr std::uint16_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_UNSPEC, 16, 77};
  const std::uint16_t family = random.of(families);
  memcpy(place, &family, 2);
  if (family == AF_UNIX) {
    memcpy(place + 2, random.one_in(2) ? "sock" : random.one_in(2) ? "\0abs" : "new\0", 5);
  } else {
    const std::uint16_t port = __builtin_bswap16(static_cast<std::uint16_t>(4000 + random.below(4)));
    memcpy(place + 2, &port, 2);
    if (random.one_in(2)) memcpy(place + 4, family == AF_INET ? "\x7f\0\0\1" : "\0\0\0\0", 4);
  }
  return word(place);
}

std::uint64_t message(Context& context, unsigned char* place) {
  Random& random = context.random;
  msghdr header{};
  if (random.one_in(3)) {
    header.msg_name = reinterpret_cast<void*>(socket_address(context, place + 128));
    header.msg_namelen = static_cast<socklen_t>(random.one_in(8) ? edge(context) : random.below(40));
  }
  auto* vector = reinterpret_cast<iovec*>(place + 256);
  for (int i = 0; i < 4; ++i) vector[i] = {reinterpret_cast<void*>(buffer_address(context)), random.below(200)};
  header.msg_iov = vector;
  header.msg_iovlen = random.one_in(10) ? edge(context) : random.below(5);
  auto* control = reinterpret_cast<cmsghdr*>(place + 384);
  control->cmsg_len = random.one_in(5) ? edge(context) : CMSG_LEN(4 * (1 + random.below(8)));
  control->cmsg_level = random.one_in(8) ? 0 : SOL_SOCKET;
  control->cmsg_type = random.one_in(5) ? static_cast<int>(random.below(64)) : SCM_RIGHTS;
  for (int i = 0; i < 8; ++i) reinterpret_cast<int*>(CMSG_DATA(control))[i] = static_cast<int>(descriptor(context));
  if (random.one_in(2)) {
    header.msg_control = control;
    header.msg_controllen = random.one_in(5) ? edge(context) : random.one_in(2) ? control->cmsg_len : 64;
  }
  header.msg_flags = static_cast<int>(few_bits(context));
  memcpy(place, &header, sizeof header);
  memcpy(place + 64, &header, sizeof header);  // sendmmsg's second
  return word(place);
}

std::uint64_t polls(Context& context, unsigned char* place) {
  for (unsigned i = 0; i < 32; ++i) {
    const pollfd entry{static_cast<int>(descriptor(context)), static_cast<short>(context.random.next()), 0};
    memcpy(place + i * sizeof entry, &entry, sizeof entry);
  }
  return word(place);
}

std::uint64_t open_flags(Context& context) {
  static constexpr int flags[] = {O_CREAT, O_EXCL,    O_TRUNC,   O_APPEND, O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW,
                                  O_PATH,  O_TMPFILE, O_CLOEXEC, O_DIRECT, O_NOCTTY,   O_SYNC};
  Random& random = context.random;
  int value = static_cast<int>(random.below(4));
  for (std::uint64_t i = random.below(4); i > 0; --i) value |= random.of(flags);
  return static_cast<std::uint64_t>(context.privileged ? value & ~O_TRUNC : value);
}

std::uint64_t strings(Context& context, unsigned char* place) {
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint64_t text = context.random.one_in(5) ? buffer_address(context) : path(context, false);
    memcpy(place + i * 8, &text, 8);
  }
  memset(place + 32, 0, 8);
  return word(place);
}

std::uint64_t ioctl_number(Context& context) {
  Random& random = context.random;
  switch (random.below(4)) {
    case 0:
      return 0x5400 + random.below(0x70);
    case 1:
      return (2ull << 30) | (4 << 16) | ('T' << 8) | random.below(64);
    case 2:
      return edge(context);
    default:
      return (random.below(4) << 30) | (random.below(64) << 16) | (random.below(128) << 8) | random.below(64);
  }
}

std::uint64_t process_id(Context& context) {
  Random& random = context.random;
  const auto own = static_cast<std::uint64_t>(context.tid.load(std::memory_order_relaxed));
  switch (random.below(4)) {
    case 0:
      return 0;
    case 1:
      return own;
    case 2:
      return own + random.below(9) - 4;
    default:
      return 0 - (own + random.below(3) - 1);
  }
}

std::uint64_t usual(Context& context, char kind, unsigned char* place) {
  Random& random = context.random;
  switch (kind) {
    case 'f':
      return descriptor(context);
    case 'q':
      return random.one_in(4) ? descriptor(context) : static_cast<std::uint64_t>(AT_FDCWD);
    case 's':
      return path(context, false);
    case 'w':
      return path(context, true);
    case 'b':
      if (random.one_in(3)) return buffer_address(context);
      fill(context, place, room_bytes);
      return word(place) + (random.one_in(10) ? random.below(16) : 0);
    case 'n':
      return random.one_in(3) ? random.below(20000) : random.one_in(2) ? 8 : random.below(256);
    case 'v':
      vectors(context, place);
      return word(place);
    case 'V':
      return random.below(6);
    case 'a':
      return arena_start + random.below(regions * 16) * page;
    case 'l':
      return (1 + random.below(random.one_in(4) ? 64 : 6)) * page;
    case 'h':
      return random.below(8);
    case 'H':
      return few_bits(context) | MAP_FIXED | (1 + random.below(3)) | (random.one_in(2) ? MAP_ANONYMOUS : 0);
    case 'F':
      return arena_start + random.below(6) * region_bytes + random.below(4) * 4;
    case 't':
      return time_value(context, place);
    case 'S':
      return socket_address(context, place);
    case 'L':
      return random.one_in(3) ? random.below(130) : random.one_in(2) ? 16 : 7;
    case 'M':
      return message(context, place);
    case 'A':
      return strings(context, place);
    case 'R':
      return open_flags(context);
    case 'P':
      return polls(context, place);
    case 'E':
      fill(context, place, 64);
      return word(place);
    case 'O':
      return random.one_in(4) ? edge(context) : random.below(100000);
    case 'k':
      return ioctl_number(context);
    case 'i':
      return process_id(context);
    case 'g':
      return random.one_in(4) ? random.below(66) : random.one_in(2) ? 0 : 10;
    case 'r':
      return random.below(17);
    case 'o':
      return random.below(010000);
    case 'c':
      return random.one_in(8) ? edge(context) : random.below(12);
    case 'x':
      return few_bits(context);
    default:
      return random.below(random.one_in(4) ? 70 : 12);
  }
}

}  // namespace

std::uint64_t argument(Context& context, char kind, unsigned char* place) {
  if (context.random.one_in(12)) return edge(context);
  return usual(context, kind, place);
}

}  // namespace fuzzer
