// SPDX-License-Identifier: Apache-2.0
// Processes that make, rename and remove names at the same time: what a process did to a name is what it finds there
// next, whatever others do to other names and however often they look this one up before.
#include <dirent.h>
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

[[noreturn]] void make_and_remove() {
  for (;;) {
    for (int i = 0; i < 4; ++i) {
      char name[16], other[16];
      snprintf(name, sizeof(name), "k%d", i);
      snprintf(other, sizeof(other), "l%d", i);
      close(open(name, O_CREAT | O_RDWR, 0600));
      link(name, other);
      rename(other, name);
      unlink(name);
      unlink(other);
    }
  }
}

// How many names are not what the listing says of them.
int disagreements() {
  bool listed[2][4] = {};
  DIR* here = opendir(".");
  while (const dirent* entry = readdir(here)) {
    if (strlen(entry->d_name) == 2 && entry->d_name[1] >= '0' && entry->d_name[1] <= '3')
      listed[entry->d_name[0] == 'l'][entry->d_name[1] - '0'] = true;
  }
  closedir(here);
  int wrong_names = 0;
  for (int kind = 0; kind < 2; ++kind) {
    for (int i = 0; i < 4; ++i) {
      const char name[] = {"kl"[kind], static_cast<char>('0' + i), 0};
      wrong_names += exists(name) != listed[kind][i];
    }
  }
  return wrong_names;
}

// A process that is killed while it changes names has changed them or not, and everybody is told the same.
void kill_amid_changes() {
  mkdir("killed", 0755);
  if (chdir("killed") != 0) return;
  int wrong_names = 0;
  for (int round = 0; round < 40; ++round) {
    const pid_t child = fork();
    if (child == 0) make_and_remove();
    usleep(3000 + round * 173);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    wrong_names += disagreements();
  }
  printf("%d names are not what the listing says\n", wrong_names);
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
  kill_amid_changes();
  return 0;
}
