// SPDX-License-Identifier: Apache-2.0
// Processes that make, rename and remove names at the same time: what a process did to a name is what it finds there
// next, whatever others do to other names and however often they look this one up before.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int rounds = 60, workers = 2;
int wrong = 0;

bool exists(const char* name) {
  struct stat status;
  return lstat(name, &status) == 0;
}

void expect(bool is, const char* what, int round) {
  if (is) return;
  ++wrong;
  printf("round %d: %s: %s\n", round, what, strerror(errno));
}

// Names that only this process changes, in a directory of its own.
void change_names(int worker) {
  char directory[32];
  snprintf(directory, sizeof(directory), "d%d", worker);
  mkdir(directory, 0755);
  if (chdir(directory) != 0) _exit(2);
  for (int round = 0; round < rounds; ++round) {
    char made[32], moved[32];
    snprintf(made, sizeof(made), "made%d", round);
    snprintf(moved, sizeof(moved), "moved%d", round);
    expect(!exists(made), "found before it was made", round);
    expect(!exists(moved), "found before it was moved", round);
    const int file = open(made, O_CREAT | O_EXCL | O_RDWR, 0600);
    expect(file >= 0 && close(file) == 0, "open", round);
    expect(exists(made), "not found when it was made", round);
    expect(rename(made, moved) == 0, "rename", round);
    expect(exists(moved), "not found when it was moved", round);
    expect(!exists(made), "found when it was moved away", round);
    expect(symlink(moved, made) == 0, "symlink", round);
    expect(exists(made), "link not found", round);
    expect(unlink(made) == 0, "unlink of the link", round);
    expect(!exists(made), "link found when it was removed", round);
    if (round % 2 == 0) expect(unlink(moved) == 0, "unlink", round);
  }
  fflush(stdout);
  _exit(wrong != 0);
}

// Looks for the names of all workers again and again, mostly before they exist.
[[noreturn]] void look_around() {
  for (int round = 0;; round = (round + 1) % rounds) {
    for (int worker = 0; worker < workers; ++worker) {
      char name[64];
      snprintf(name, sizeof(name), "d%d/made%d", worker, round);
      exists(name);
      snprintf(name, sizeof(name), "d%d/moved%d", worker, round);
      exists(name);
    }
  }
}

}  // namespace

int main() {
  char folder[] = "/var/tmp/name_races.XXXXXX";
  if (mkdtemp(folder) == nullptr || chdir(folder) != 0) {
    printf("no folder: %s\n", strerror(errno));
    return 1;
  }
  const pid_t looking = fork();
  if (looking == 0) look_around();
  for (int worker = 0; worker < workers; ++worker) {
    if (fork() == 0) change_names(worker);
  }
  int failed = 0;
  for (int worker = 0; worker < workers; ++worker) {
    int status = 0;
    wait(&status);
    failed += status != 0;
  }
  kill(looking, SIGKILL);
  wait(nullptr);
  printf("%d workers failed\n", failed);
  return 0;
}
