// SPDX-License-Identifier: Apache-2.0
// Writes files in the folder it is given, syncs each, and says so: after "synced N" everything up to step N must survive
// whatever happens. Whoever checks knows what the files hold:
//   log        lines "record 1" to "record N", appended
//   fileN      content(N), and those of the last eight steps before; older ones are gone
//   current    content(N), replaced by renaming
//   folderN    of every fourth step, with an empty file in it
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "syncing.h"

namespace {

void must(bool good, const char* what) {
  if (good) return;
  perror(what);
  exit(1);
}

void write_and_sync(const std::string& path, int flags, const std::string& bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | flags, 0644);
  must(fd >= 0, path.c_str());
  must(write(fd, bytes.data(), bytes.size()) == (ssize_t)bytes.size(), "write");
  must(fsync(fd) == 0, "fsync");
  close(fd);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string folder = arguments[1];
  must(mkdir(folder.c_str(), 0755) == 0, "mkdir");
  const int itself = open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  must(itself >= 0, "open");
  for (int step = 1; step < 100000; ++step) {
    const std::string number = std::to_string(step);
    write_and_sync(folder + "/log", O_APPEND, "record " + number + "\n");
    write_and_sync(folder + "/file" + number, O_EXCL, content(step));
    write_and_sync(folder + "/next", O_TRUNC, content(step));
    must(rename((folder + "/next").c_str(), (folder + "/current").c_str()) == 0, "rename");
    if (step > 8) must(unlink((folder + "/file" + std::to_string(step - 8)).c_str()) == 0, "unlink");
    if (step % 4 == 0) {
      must(mkdir((folder + "/folder" + number).c_str(), 0755) == 0, "mkdir");
      write_and_sync(folder + "/folder" + number + "/empty", 0, "");
    }
    must(fsync(itself) == 0, "fsync of the folder");
    printf("synced %d\n", step);
    fflush(stdout);
  }
}
