// SPDX-License-Identifier: Apache-2.0
// Calls about processes that have no program of their own: signals about files, leases, pidfds, policies, POSIX message
// queues, limits, futexes of many words, notices of directories, the most memory that was used; process 1, /proc and
// personas.
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parts.h"

int main(int count, char** arguments) {
  if (count > 1 && strcmp(arguments[1], "persona") == 0) {
    executed_with_persona();
    return 0;
  }
  if (count > 1) return 0;  // executed by a part
  const struct {
    const char* name;
    void (*run)();
  } parts[] = {{"file_signals", file_signals},
               {"leases", leases},
               {"pidfds", pidfds},
               {"policies", policies},
               {"posix_queues", posix_queues},
               {"limits", limits},
               {"futexes_and_barriers", futexes_and_barriers},
               {"directory_notices", directory_notices},
               {"peaks", peaks},
               {"first_process", first_process},
               {"proc_entries", proc_entries},
               {"personas", personas}};
  for (const auto& part : parts) {
    printf("== %s\n", part.name);
    fflush(stdout);
    if (fork() == 0) {
      part.run();
      fflush(stdout);
      _exit(0);
    }
    int status = 0;
    wait(&status);
    printf("ended: %x\n", status);
  }
  return 0;
}
