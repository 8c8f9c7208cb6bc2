// SPDX-License-Identifier: Apache-2.0
// Random system calls with random arguments, for a vNode of its own (never a machine that is needed: as root it ends
// every process). `call_fuzzer SEED ROUNDS CALLS PROGRAM [arguments...]`: each round is a process with a few threads
// and children that make CALLS calls together, or a program that is damaged; the driver ends what is left of it, then
// starts the next. Ends with PROGRAM, which shows that the vNode still works.
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "damaged_programs.h"
#include "steps.h"

namespace {

using fuzzer::contexts;
using fuzzer::progress;

constexpr const char* places[] = {"/tmp/fuzz", "/var/tmp/fuzz"};

int remove_entry(const char* path, const struct stat*, int, FTW*) { return remove(path); }

void make_place(const char* place) {
  nftw(place, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  mkdir(place, 0777);
  chmod(place, 0777);
  chdir(place);
  mkdir("d", 0777);
  chmod("d", 0777);
  for (const char* name : {"a", "b", "c"}) {
    const int file = open(name, O_WRONLY | O_CREAT, 0777);
    fchmod(file, 0777);
    for (int i = 0; i < 3; ++i) write(file, name, 1), lseek(file, 9000, SEEK_CUR);
    close(file);
  }
  symlink("d", "l");
}

// Until it ended, or made no progress: whether it did is no concern, the next is to begin. A damaged program makes none.
void watch(pid_t worker, bool makes_calls) {
  constexpr int pauses_to_start = 1000, pauses_to_go_on = 20;
  std::uint64_t seen = 0;
  for (int left = makes_calls ? pauses_to_start : pauses_to_go_on; left > 0; --left) {
    int status;
    if (waitpid(worker, &status, WNOHANG) == worker) return;
    const timespec pause{0, 5'000'000};
    nanosleep(&pause, nullptr);
    const std::uint64_t calls = progress->calls.load();
    if (calls != seen) left = pauses_to_go_on;
    seen = calls;
  }
}

// Whatever it was, SIGKILL ends it.
unsigned end_all() {
  unsigned ended = 0;
  kill(-1, SIGKILL);
  while (waitpid(-1, nullptr, __WALL) > 0) ++ended;
  return ended;
}

// Of the driver: what a worker as root might have sent to it by a roundabout way.
void set_all_signals(void (*all)(sigset_t*)) {
  sigset_t set;
  all(&set);
  sigprocmask(SIG_SETMASK, &set, nullptr);
}

void run_round(std::uint64_t seed, unsigned calls) {
  const bool damaged = seed % 4 == 3;
  make_place(places[seed % 2]);
  progress->calls = 0;
  progress->forks_left = 12;
  progress->limit = calls;
  const pid_t worker = fork();
  if (worker == 0) {
    set_all_signals([](sigset_t* set) { sigemptyset(set); });
    const int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; ++i) dup2(null, i);
    if (damaged) {
      fuzzer::write_damaged_program("a", seed);
      fuzzer::run_damaged_program("a");
    }
    fuzzer::run_worker(seed, seed % 3 == 0);
  }
  watch(worker, !damaged);
  end_all();
}

// The program that is to run in the end, as it was in the beginning: root's workers may write anywhere.
class Keepsake {
 public:
  explicit Keepsake(const char* path) {
    const int file = open(path, O_RDONLY);
    struct stat status {};
    fstat(file, &status);
    bytes_ = static_cast<std::size_t>(status.st_size);
    const void* mapped = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
    memory_ = malloc(bytes_);
    memcpy(memory_, mapped, bytes_);
    close(file);
  }
  void run(char** words) const {
    constexpr const char* place = "/var/tmp/keepsake";
    const int file = open(place, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    write(file, memory_, bytes_);
    close(file);
    execv(place, words);
  }

 private:
  void* memory_;
  std::size_t bytes_;
};

}  // namespace

int main(int count, char** words) {
  if (count < 5) return 2;
  const Keepsake program(words[4]);
  const std::uint64_t seed = strtoull(words[1], nullptr, 0), rounds = strtoull(words[2], nullptr, 0);
  const auto shared = MAP_SHARED | MAP_ANONYMOUS;
  contexts = static_cast<fuzzer::Context*>(mmap(nullptr, fuzzer::max_threads * sizeof(fuzzer::Context),
                                                PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  progress = static_cast<fuzzer::Progress*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, shared, -1, 0));
  progress->driver = getpid();
  set_all_signals([](sigset_t* set) { sigfillset(set); });
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (getenv("FUZZ_TALK")) setvbuf(stdout, nullptr, _IONBF, 0);
  std::uint64_t calls = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    if (getenv("FUZZ_TALK")) printf("round %llu\n", static_cast<unsigned long long>(seed + round));
    run_round(seed + round, static_cast<unsigned>(strtoul(words[3], nullptr, 0)));
    calls += progress->calls;
  }
  printf("%llu rounds, %s\n", static_cast<unsigned long long>(rounds), calls > rounds ? "calls were made" : "no calls");
  fflush(stdout);
  for (const char* place : places) nftw(place, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  chdir("/");
  program.run(words + 4);
  return 127;
}
