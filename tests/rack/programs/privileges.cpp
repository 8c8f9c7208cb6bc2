// SPDX-License-Identifier: Apache-2.0
// Capabilities and ids, locked memory and its limit, what only an administrator may do, and what processes share.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/reboot.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "show.h"

namespace {

constexpr int somebody = 12345;
constexpr long page = 4096;

template <typename Body>
void in_child(Body body) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    body();
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (status != 0) printf("child: %x\n", status);
}

struct Sets {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  long get() { return syscall(SYS_capget, &header, data); }
  long set() { return syscall(SYS_capset, &header, data); }
  bool has(int capability) const { return (data[capability / 32].effective >> (capability % 32) & 1) != 0; }
};

void only(int capability) {
  Sets sets;
  sets.data[capability / 32].effective = sets.data[capability / 32].permitted = 1U << (capability % 32);
  SHOW(sets.set());
}

void capabilities() {
  Sets sets;
  SHOW(sets.get());
  sets.header.pid = -1;
  SHOW(sets.get());
  sets.header = {0x12345678, 0};
  SHOW(sets.get());
  printf("%x\n", sets.header.version);
  SHOW(prctl(PR_CAPBSET_READ, 63));
  SHOW(prctl(PR_SET_KEEPCAPS, 2));
  SHOW(prctl(PR_CAP_AMBIENT, 77, 0, 0, 0));
  SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
  in_child([] {
    only(CAP_DAC_READ_SEARCH);
    SHOW(access("/", W_OK));
    SHOW(open("/proc/self/status", O_RDONLY) >= 0);
    SHOW(chroot("/"));
    SHOW(sethostname("x", 1));
    SHOW(setuid(somebody));
    SHOW(kill(getppid(), 0));
    Sets more;
    more.get();
    printf("%d %d\n", more.has(CAP_DAC_READ_SEARCH), more.has(CAP_KILL));
    more.data[0].permitted |= 1U << CAP_KILL;
    SHOW(more.set());
    SHOW(prctl(PR_CAPBSET_DROP, CAP_KILL));
    SHOW(prctl(PR_SET_SECUREBITS, 1));
  });
  in_child([] {
    SHOW(setresuid(0, somebody, 0));
    Sets now;
    now.get();
    printf("%d %d\n", now.has(CAP_KILL), (now.data[0].permitted >> CAP_KILL & 1) != 0);
    SHOW(setresuid(0, 0, 0));
    now.get();
    printf("%d\n", now.has(CAP_KILL));
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    SHOW(setuid(somebody));
    now.get();
    printf("%d %d\n", now.has(CAP_KILL), (now.data[0].permitted >> CAP_KILL & 1) != 0);
    SHOW(prctl(PR_GET_KEEPCAPS));
  });
}

void locked_memory() {
  char* memory =
      static_cast<char*>(mmap(nullptr, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  unsigned char residency[8];
  SHOW(mincore(memory, 8 * page, residency));
  printf("%d%d\n", residency[0] & 1, residency[2] & 1);
  SHOW(mlock(memory, 2 * page + 1));
  SHOW(mincore(memory, 8 * page, residency));
  printf("%d%d%d%d\n", residency[0] & 1, residency[1] & 1, residency[2] & 1, residency[3] & 1);
  SHOW(munmap(memory + 4 * page, page));
  SHOW(mlock(memory, 8 * page));
  SHOW(munlock(memory, 8 * page));
  SHOW(munlock(memory, 2 * page));
  SHOW(syscall(SYS_mlock2, memory, page, 2));
  SHOW(syscall(SYS_mlock2, memory, page, 1));
  SHOW(mlockall(0));
  SHOW(mlockall(8));
  in_child([&] {
    rlimit limit{3 * page, 3 * page};
    SHOW(setrlimit(RLIMIT_MEMLOCK, &limit));
    SHOW(setuid(somebody));
    SHOW(mlock(memory, 4 * page));
    SHOW(mlock(memory, 2 * page));
    SHOW(mlock(memory + page, 2 * page));
    SHOW(mlock(memory + 5 * page, page));
    SHOW(munlock(memory, page));
    SHOW(mlock(memory + 5 * page, page));
    SHOW(mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED &&
         errno == EAGAIN);
    SHOW(munmap(memory + page, page));
    SHOW(mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED);
    SHOW(mlockall(MCL_CURRENT));
    SHOW(munlockall());
    SHOW(mlock(memory + 5 * page, 3 * page));
  });
  in_child([&] {
    rlimit limit{0, 0};
    setrlimit(RLIMIT_MEMLOCK, &limit);
    setuid(somebody);
    SHOW(mlock(memory, page));
    SHOW(mlockall(MCL_FUTURE));
  });
}

void administration() {
  const timespec odd{0, 2'000'000'000};
  SHOW(clock_settime(CLOCK_REALTIME, &odd));
  SHOW(clock_settime(CLOCK_MONOTONIC, &odd));
  timex now{};
  SHOW(adjtimex(&now) >= 0);
  now.modes = ADJ_TICK;
  now.tick = 1;
  SHOW(adjtimex(&now));
  SHOW(clock_adjtime(CLOCK_MONOTONIC, &now));
  SHOW(syscall(SYS_unshare, -1));
  in_child([] { SHOW(unshare(CLONE_FILES | CLONE_FS)); });
  in_child([] {
    SHOW(setuid(somebody));
    const timespec then{1'000'000'000, 0};
    SHOW(clock_settime(CLOCK_REALTIME, &then));
    const timeval also{1'000'000'000, 0};
    SHOW(settimeofday(&also, nullptr));
    timex tick{};
    tick.modes = ADJ_TICK;
    tick.tick = 10'000;
    SHOW(adjtimex(&tick));
    SHOW(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, 0));
    SHOW(syscall(SYS_vhangup));
    SHOW(unshare(CLONE_NEWUTS));
  });
}

void settings_of_threads() {
  SHOW(prctl(PR_SET_TIMERSLACK, 70'000));
  SHOW(prctl(PR_GET_TIMERSLACK));
  in_child([] {
    SHOW(prctl(PR_SET_TIMERSLACK, 10));
    SHOW(prctl(PR_SET_TIMERSLACK, 0));
    SHOW(prctl(PR_GET_TIMERSLACK));
  });
  SHOW(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  SHOW(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
  SHOW(prctl(PR_SET_TIMING, 1));
  SHOW(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
  SHOW(syscall(SYS_ioprio_get, 1, 0));
  SHOW(syscall(SYS_ioprio_set, 1, 0, 5 << 13));
  SHOW(syscall(SYS_ioprio_set, 4, 0, 2 << 13));
  SHOW(syscall(SYS_ioprio_get, 1, 4'000'000));
}

void comparing() {
  const int self = getpid(), first = open("/", O_RDONLY), one = dup(first), other = open("/", O_RDONLY);
  SHOW(syscall(SYS_kcmp, self, self, KCMP_FILE, first, one));
  SHOW(syscall(SYS_kcmp, self, self, KCMP_FILE, first, other) > 0);
  SHOW(syscall(SYS_kcmp, self, self, KCMP_FILE, first, 999));
  SHOW(syscall(SYS_kcmp, self, 4'000'000, KCMP_VM, 0, 0));
  SHOW(syscall(SYS_kcmp, self, self, 99, 0, 0));
  in_child([self, first] {
    SHOW(syscall(SYS_kcmp, self, getpid(), KCMP_FILE, first, first));
    SHOW(syscall(SYS_kcmp, self, getpid(), KCMP_VM, 0, 0) > 0);
    SHOW(syscall(SYS_kcmp, self, getpid(), KCMP_FILES, 0, 0) > 0);
  });
}

void others_memory() {
  static char text[] = "the parent's";
  const int self = getpid();
  char* edge = static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  munmap(edge + page, page);
  in_child([&] {
    strcpy(text, "the child's ");
    char to[32] = {};
    const iovec here[] = {{to, 4}, {to + 4, 0}, {to + 4, 20}}, there{text, sizeof text}, beyond{edge + page - 3, 10};
    SHOW(process_vm_readv(self, here, 3, &there, 1, 0));
    puts(to);
    const iovec mine{text, 9};
    SHOW(process_vm_writev(self, &mine, 1, &there, 1, 0));
    SHOW(process_vm_readv(self, here, 3, &beyond, 1, 0) <= 3);
    SHOW(process_vm_readv(self, here, 3, &there, 1, 1));
    SHOW(process_vm_readv(4'000'000, here, 3, &there, 1, 0));
    const iovec nowhere{edge + page, 10};
    SHOW(process_vm_readv(self, here, 3, &nowhere, 1, 0));
    SHOW(process_vm_readv(self, &nowhere, 1, &there, 1, 0));
    SHOW(setuid(somebody));
    SHOW(process_vm_readv(self, here, 3, &there, 1, 0));
  });
  puts(text);
}

void groups() {
  in_child([] {
    static gid_t list[3] = {7, 8, 9};
    gid_t* const bad = reinterpret_cast<gid_t*>(8);
    SHOW(syscall(SYS_setgroups, 65537, list));
    SHOW(syscall(SYS_setgroups, 65537, bad));
    SHOW(syscall(SYS_setgroups, -1, bad));
    SHOW(syscall(SYS_setgroups, 65536, bad));
    SHOW(syscall(SYS_setgroups, 1, bad));
    SHOW(syscall(SYS_setgroups, 3, list));
    SHOW(syscall(SYS_setgroups, 1L << 32 | 2, list));
    SHOW(getgroups(0, nullptr));
    SHOW(getgroups(1, list));
    SHOW(getgroups(-1, list));
    SHOW(syscall(SYS_getgroups, 2, bad));
    SHOW(syscall(SYS_setgroups, 0, bad));
    SHOW(setuid(somebody));
    SHOW(syscall(SYS_setgroups, 65537, bad));
  });
}

// A kernel may have been built without them.
bool refused(long result, int with) { return result == -1 && (errno == with || errno == ENOSYS); }
void ports() {
  in_child([] {
    SHOW(setuid(somebody));
    SHOW(refused(syscall(SYS_iopl, 4), EINVAL));
    SHOW(refused(syscall(SYS_iopl, -1), EINVAL));
    SHOW(refused(syscall(SYS_iopl, 3), EPERM));
    SHOW(refused(syscall(SYS_ioperm, 0, 0, 1), EINVAL));
    SHOW(refused(syscall(SYS_ioperm, -1L, 2, 1), EINVAL));
    SHOW(refused(syscall(SYS_ioperm, 65535, 2, 1), EINVAL));
    SHOW(refused(syscall(SYS_ioperm, 65535, 1, 1), EPERM));
  });
}

}  // namespace

int main() {
  capabilities();
  locked_memory();
  administration();
  settings_of_threads();
  comparing();
  others_memory();
  groups();
  ports();
}
