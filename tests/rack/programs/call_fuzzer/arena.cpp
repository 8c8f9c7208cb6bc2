// SPDX-License-Identifier: Apache-2.0
// Regions and descriptors of every kind: see arena.h. All by raw calls: errno is a thread's, and FS may be lost.
#include "arena.h"

#include <asm/unistd_64.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

namespace fuzzer {
namespace {

template <typename T>
std::uint64_t word(const T* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}
int open_path(const char* path, int flags) {
  return static_cast<int>(
      raw_call(__NR_openat, static_cast<std::uint64_t>(AT_FDCWD), word(path), static_cast<std::uint64_t>(flags), 0666));
}

int open_file(Context& context) {
  static constexpr const char* paths[] = {"a",
                                          "b",
                                          "c",
                                          ".",
                                          "/",
                                          "/tmp",
                                          "/proc",
                                          "/proc/self",
                                          "/proc/self/maps",
                                          "/proc/self/stat",
                                          "/proc/self/status",
                                          "/proc/self/cmdline",
                                          "/proc/self/environ",
                                          "/proc/self/mem",
                                          "/proc/self/auxv",
                                          "/proc/self/fd",
                                          "/proc/self/task",
                                          "/proc/self/limits",
                                          "/proc/self/mountinfo",
                                          "/proc/self/comm",
                                          "/proc/self/smaps",
                                          "/proc/self/oom_score_adj",
                                          "/proc/self/fdinfo",
                                          "/proc/meminfo",
                                          "/proc/stat",
                                          "/proc/cpuinfo",
                                          "/proc/mounts",
                                          "/proc/sys/kernel/random/boot_id",
                                          "/proc/sys/kernel/pid_max",
                                          "/sys/devices/system/cpu/online",
                                          "/sys",
                                          "/dev/null",
                                          "/dev/zero",
                                          "/dev/full",
                                          "/dev/random",
                                          "/dev/urandom",
                                          "/dev/tty",
                                          "/dev/console",
                                          "/dev/ptmx",
                                          "/dev/pts",
                                          "/dev/fd/0",
                                          "/proc/self/exe",
                                          "/bin/busybox",
                                          "fifo",
                                          "/dev/shm"};
  static constexpr int modes[] = {O_RDONLY, O_RDWR, O_WRONLY, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_APPEND, O_PATH};
  const char* path = context.random.of(paths);
  int flags = context.random.of(modes) | (context.random.one_in(2) ? O_NONBLOCK : 0);
  // Programs that others need are left as they are.
  if (path[0] == '/' && (flags & O_CREAT) != 0) flags &= ~O_CREAT;
  return open_path(path, flags);
}

int one_of_pair(Context& context, const int* pair, long result) {
  if (result < 0) return static_cast<int>(result);
  if (context.random.one_in(4)) raw_call(__NR_close, static_cast<std::uint64_t>(pair[1]));
  return pair[0];
}

int internet_socket(Context& context) {
  const bool six = context.random.one_in(2);
  const int type = context.random.one_in(2) ? SOCK_STREAM : SOCK_DGRAM;
  const int made = static_cast<int>(
      raw_call(__NR_socket, six ? AF_INET6 : AF_INET, static_cast<std::uint64_t>(type | SOCK_NONBLOCK), 0));
  sockaddr_in6 address{};
  address.sin6_family = six ? AF_INET6 : AF_INET;
  address.sin6_port = htons(static_cast<std::uint16_t>(4000 + context.random.below(3)));
  if (six)
    address.sin6_addr = in6addr_loopback;
  else
    reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::uint64_t bytes = six ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  const auto socket = static_cast<std::uint64_t>(made);
  if (context.random.one_in(2)) {
    raw_call(__NR_bind, socket, word(&address), bytes);
    if (type == SOCK_STREAM) raw_call(__NR_listen, socket, 4);
  } else {
    raw_call(__NR_connect, socket, word(&address), bytes);
  }
  return made;
}

int unix_listener(Context& context) {
  const int made = static_cast<int>(raw_call(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, context.random.one_in(2) ? "sock" : "\0abs", 5);
  const auto socket = static_cast<std::uint64_t>(made);
  if (context.random.one_in(2)) {
    raw_call(__NR_bind, socket, word(&address), 7);
    raw_call(__NR_listen, socket, 4);
  } else {
    raw_call(__NR_connect, socket, word(&address), 7);
  }
  return made;
}

int pseudo_terminal(Context& context) {
  const int master = open_path("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (master < 0) return master;
  int unlock = 0;
  raw_call(__NR_ioctl, static_cast<std::uint64_t>(master), TIOCSPTLCK, word(&unlock));
  if (context.random.one_in(2)) return master;
  return static_cast<int>(raw_call(__NR_ioctl, static_cast<std::uint64_t>(master), TIOCGPTPEER,
                                   O_RDWR | (context.random.one_in(2) ? O_NOCTTY : 0)));
}

int memory_file(Context& context) {
  const int made = static_cast<int>(raw_call(__NR_memfd_create, word("m"), MFD_ALLOW_SEALING));
  raw_call(__NR_ftruncate, static_cast<std::uint64_t>(made), context.random.below(20) * page / 2);
  return made;
}

int open_any(Context& context) {
  int pair[2] = {-1, -1};
  Random& random = context.random;
  switch (random.below(15)) {
    case 0:
      return one_of_pair(context, pair, raw_call(__NR_pipe2, word(pair), random.one_in(2) ? O_NONBLOCK : 0));
    case 1: {
      static constexpr int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
      const auto type = static_cast<std::uint64_t>(random.of(types) | (random.one_in(2) ? SOCK_NONBLOCK : 0));
      return one_of_pair(context, pair, raw_call(__NR_socketpair, AF_UNIX, type, 0, word(pair)));
    }
    case 2:
      return internet_socket(context);
    case 3:
      return unix_listener(context);
    case 4:
      return pseudo_terminal(context);
    case 5: {
      const int made = static_cast<int>(raw_call(__NR_epoll_create1, 0));
      epoll_event event{};
      event.events = static_cast<std::uint32_t>(random.next());
      for (int i = 0; i < 3; ++i)
        raw_call(__NR_epoll_ctl, static_cast<std::uint64_t>(made), EPOLL_CTL_ADD, random.below(usual_descriptors),
                 word(&event));
      return made;
    }
    case 6:
      return static_cast<int>(raw_call(__NR_eventfd2, random.below(3), random.one_in(2) ? O_NONBLOCK : 0));
    case 7: {
      const int made = static_cast<int>(raw_call(__NR_timerfd_create, random.below(2), O_NONBLOCK));
      const itimerspec time{{0, 1000000}, {0, 1000000}};
      raw_call(__NR_timerfd_settime, static_cast<std::uint64_t>(made), 0, word(&time), 0);
      return made;
    }
    case 8: {
      const std::uint64_t mask = random.next();
      return static_cast<int>(raw_call(__NR_signalfd4, ~0ull, word(&mask), 8, O_NONBLOCK));
    }
    case 9:
      return memory_file(context);
    case 10:
      return static_cast<int>(raw_call(__NR_inotify_init1, O_NONBLOCK));
    default:
      return open_file(context);
  }
}

}  // namespace

std::uint64_t edge(Context& context) {
  static constexpr std::uint64_t edges[] = {0,
                                            1,
                                            2,
                                            3,
                                            7,
                                            8,
                                            15,
                                            16,
                                            63,
                                            64,
                                            127,
                                            128,
                                            255,
                                            256,
                                            1023,
                                            1024,
                                            4095,
                                            4096,
                                            4097,
                                            8192,
                                            65535,
                                            65536,
                                            1 << 20,
                                            0x7fffffff,
                                            0x80000000,
                                            0xffffffff,
                                            0x100000000,
                                            ~0ull,
                                            ~1ull,
                                            ~0xfffull,
                                            1ull << 63,
                                            (1ull << 63) - 1,
                                            0x00007fffffffe000,
                                            0x00007fffffffefff,
                                            0x00007ffffffff000,
                                            0x0000800000000000,
                                            0x0000800000000001,
                                            0xffff800000000000,
                                            0xffffffff80000000,
                                            0xffffffffff600000,
                                            0xdead0000beef0000,
                                            0x7ffffffff000,
                                            0x7fffffff000,
                                            static_cast<std::uint64_t>(-100),
                                            0x5555555555555555,
                                            1ull << 40,
                                            1ull << 46,
                                            1ull << 47};
  Random& random = context.random;
  switch (random.below(8)) {
    case 0:
      return random.next();
    case 1:
      return random.next() >> random.below(64);
    case 2:
      return 1ull << random.below(64);
    case 3:
      return ~0ull << random.below(64);
    default:
      return random.of(edges) + (random.one_in(4) ? random.below(3) - 1 : 0);
  }
}

void map_region(Context& context, unsigned region) {
  Random& random = context.random;
  const std::uint64_t at = arena_start + region * region_bytes;
  static constexpr int protections[] = {PROT_READ | PROT_WRITE,
                                        PROT_READ | PROT_WRITE,
                                        PROT_READ | PROT_WRITE,
                                        PROT_READ,
                                        PROT_NONE,
                                        PROT_READ | PROT_WRITE | PROT_EXEC,
                                        PROT_WRITE,
                                        PROT_EXEC};
  static constexpr int kinds[] = {MAP_PRIVATE | MAP_ANONYMOUS,
                                  MAP_PRIVATE | MAP_ANONYMOUS,
                                  MAP_SHARED | MAP_ANONYMOUS,
                                  MAP_PRIVATE,
                                  MAP_SHARED,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE};
  if (random.one_in(8)) {
    raw_call(__NR_munmap, at + random.below(16) * page, random.below(16) * page);
    return;
  }
  const int kind = random.of(kinds);
  const std::uint64_t file = (kind & MAP_ANONYMOUS) != 0 ? ~0ull : random.below(usual_descriptors);
  raw_call(__NR_mmap, at, (1 + random.below(16)) * page, static_cast<std::uint64_t>(random.of(protections)),
           static_cast<std::uint64_t>(kind | MAP_FIXED), file, random.below(4) * page);
}

void open_descriptor(Context& context, int wanted) {
  const int made = open_any(context);
  if (made < 0 || made == wanted) return;
  raw_call(__NR_dup2, static_cast<std::uint64_t>(made), static_cast<std::uint64_t>(wanted));
  raw_call(__NR_close, static_cast<std::uint64_t>(made));
}

void fill_arena(Context& context) {
  raw_call(__NR_mknod, word("fifo"), S_IFIFO | 0666, 0);
  for (int i = 3; i < usual_descriptors; ++i) open_descriptor(context, i);
  for (unsigned i = 0; i < regions; ++i) map_region(context, i);
}

std::uint64_t buffer_address(Context& context) {
  Random& random = context.random;
  if (random.one_in(2)) return word(context.scratch) + random.below(256) * 16;
  static constexpr std::uint64_t offsets[] = {0, 0, 8, 1, 4095, 4088, 4092, 4080, 2048};
  return arena_start + random.below(regions * 16) * page + random.of(offsets);
}

}  // namespace fuzzer
