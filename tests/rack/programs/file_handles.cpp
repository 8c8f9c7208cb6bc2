// SPDX-License-Identifier: Apache-2.0
// A part of file_calls: handles of files, which stay good when a file is moved and end with it.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "show.h"

namespace {

struct Handle {
  file_handle* it;
  int mount = -1;
  explicit Handle(unsigned bytes) : it((file_handle*)calloc(1, sizeof(file_handle) + 200)) { it->handle_bytes = bytes; }
  ~Handle() { free(it); }
  int take(int directory, const char* path, int flags) { return name_to_handle_at(directory, path, it, &mount, flags); }
};

void show_text(const char* what, int fd) {
  char text[20] = "";
  const ssize_t bytes = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
  printf("%s: %s\n", what, bytes < 0 ? strerrorname_np(errno) : text);
  close(fd);
}

}  // namespace

void file_handles() {
  const char* given = getenv("FILES_IN");
  const std::string folder = std::string(given ? given : "/var/tmp") + "/lego-handles";
  mkdir(folder.c_str(), 0755);
  const int directory = open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  const int file = openat(directory, "file", O_CREAT | O_RDWR, 0644);
  write(file, "content", 7);
  symlinkat("file", directory, "link");
  Handle small(0), large(129), handle(128), again(128), of_link(128), of_target(128);
  SHOW(small.take(directory, "file", 0));
  printf("%d %d\n", small.it->handle_bytes > 0, small.mount >= 0);
  SHOW(large.take(directory, "file", 0));
  SHOW(handle.take(directory, "file", 0x10000000));
  SHOW(handle.take(directory, "absent", 0));
  SHOW(handle.take(directory, "", 0));
  SHOW(handle.take(-1, "file", 0));
  SHOW(handle.take(file, "file", 0));
  SHOW(name_to_handle_at(directory, "file", nullptr, &handle.mount, 0));
  SHOW(handle.take(directory, "file", 0));
  SHOW(again.take(file, "", AT_EMPTY_PATH));
  const unsigned bytes = handle.it->handle_bytes;
  printf("the same %d %d\n", bytes == small.it->handle_bytes,
         bytes == again.it->handle_bytes && !memcmp(handle.it->f_handle, again.it->f_handle, bytes));
  SHOW(of_link.take(directory, "link", 0));
  SHOW(of_target.take(directory, "link", AT_SYMLINK_FOLLOW));
  printf("the target %d, the link %d\n", !memcmp(handle.it->f_handle, of_target.it->f_handle, bytes),
         !memcmp(handle.it->f_handle, of_link.it->f_handle, bytes));
  show_text("opened", open_by_handle_at(directory, handle.it, O_RDONLY));
  SHOW(open_by_handle_at(directory, of_link.it, O_RDONLY));
  const int link = open_by_handle_at(directory, of_link.it, O_PATH);
  struct stat status {};
  fstat(link, &status);
  printf("a link %d\n", S_ISLNK(status.st_mode));
  close(link);
  SHOW(open_by_handle_at(-1, handle.it, O_RDONLY));
  SHOW(open_by_handle_at(directory, nullptr, O_RDONLY));
  SHOW(open_by_handle_at(directory, handle.it, O_RDONLY | O_DIRECTORY));
  renameat(directory, "file", directory, "elsewhere");
  close(file);
  show_text("moved", open_by_handle_at(directory, handle.it, O_RDWR));
  unlinkat(directory, "elsewhere", 0);
  SHOW(open_by_handle_at(directory, handle.it, O_RDONLY));
  again.it->handle_bytes = 0;
  SHOW(open_by_handle_at(directory, again.it, O_RDONLY));
  again.it->handle_bytes = 129;
  SHOW(open_by_handle_at(directory, again.it, O_RDONLY));
  again.it->handle_bytes = bytes;
  memset(again.it->f_handle, 0x5a, bytes);
  SHOW(open_by_handle_at(directory, again.it, O_RDONLY));
  unlinkat(directory, "link", 0);
  close(directory);
  rmdir(folder.c_str());
}
