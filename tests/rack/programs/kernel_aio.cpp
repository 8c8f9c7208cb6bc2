// SPDX-License-Identifier: Apache-2.0
// A part of file_calls: kernel AIO by its calls, without a library.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

namespace {

int set_up(unsigned events, aio_context_t* context) { return (int)syscall(SYS_io_setup, events, context); }
int destroy(aio_context_t context) { return (int)syscall(SYS_io_destroy, context); }
int submit(aio_context_t context, long count, iocb** requests) {
  return (int)syscall(SYS_io_submit, context, count, requests);
}
int get(aio_context_t context, long least, long most, io_event* events, const timespec* timeout = nullptr) {
  return (int)syscall(SYS_io_getevents, context, least, most, events, timeout);
}

iocb request(int kind, int fd, const void* buffer, size_t bytes, long long offset = 0, uint64_t data = 0) {
  iocb made{};
  made.aio_lio_opcode = (uint16_t)kind;
  made.aio_fildes = (uint32_t)fd;
  made.aio_buf = (uint64_t)buffer;
  made.aio_nbytes = bytes;
  made.aio_offset = offset;
  made.aio_data = data;
  return made;
}

void refused(aio_context_t context, int file) {
  aio_context_t none = 0, used = 1;
  SHOW(set_up(0, &none));
  SHOW(set_up(8, &used));
  SHOW(set_up(8, nullptr));
  SHOW(set_up(~0u, &none));
  SHOW(destroy(0));
  SHOW(destroy(4096));
  char text[10];
  io_event event;
  iocb one = request(IOCB_CMD_PREAD, file, text, 5);
  iocb* list[] = {&one, nullptr};
  SHOW(submit(0, 1, list));
  SHOW(submit(context, -1, list));
  SHOW(submit(context, 0, list));
  SHOW(submit(context, 1, nullptr));
  SHOW(submit(context, 1, list + 1));
  one.aio_fildes = ~0u;
  SHOW(submit(context, 1, list));
  one = request(99, file, text, 5);
  SHOW(submit(context, 1, list));
  one = request(IOCB_CMD_PREAD, file, text, (size_t)-1);
  SHOW(submit(context, 1, list));
  const int writer = open("/dev/null", O_WRONLY);
  one = request(IOCB_CMD_PREAD, writer, text, 5);
  SHOW(submit(context, 1, list));
  close(writer);
  SHOW(get(context, -1, 1, &event));
  SHOW(get(context, 2, 1, &event));
  SHOW(get(0, 0, 1, &event));
  const timespec now{};
  SHOW(get(context, 1, 1, &event, &now));
  SHOW(get(context, 0, 1, &event));
  SHOW((int)syscall(SYS_io_cancel, context, nullptr, &event));
}

}  // namespace

void kernel_aio() {
  const char* given = getenv("FILES_IN");
  char path[200];
  snprintf(path, sizeof path, "%s/lego-aio", given ? given : "/var/tmp");
  const int file = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
  aio_context_t context = 0;
  SHOW(set_up(8, &context));
  printf("%d\n", context != 0);
  refused(context, file);
  char written[] = "written by a request", text[50] = "", parts[2][8]{};
  iovec vectors[] = {{parts[0], 4}, {parts[1], 7}};
  const int told = eventfd(0, EFD_NONBLOCK);
  iocb requests[] = {request(IOCB_CMD_PWRITE, file, written, sizeof written - 1, 10, 1),
                     request(IOCB_CMD_PREAD, file, text, sizeof text, 10, 2),
                     request(IOCB_CMD_PREADV, file, vectors, 2, 10, 3), request(IOCB_CMD_FSYNC, file, nullptr, 0, 0, 4),
                     request(IOCB_CMD_PREAD, file, nullptr, 5, 10, 5)};
  io_event events[8];
  for (iocb& each : requests) {
    each.aio_flags = IOCB_FLAG_RESFD;
    each.aio_resfd = (uint32_t)told;
    iocb* list[] = {&each};
    SHOW(submit(context, 1, list));
    SHOW(get(context, 1, 8, events));
    printf("data %llu own %d result %lld\n", (unsigned long long)events[0].data, events[0].obj == (uint64_t)&each,
           (long long)events[0].res);
  }
  uint64_t count = 0;
  read(told, &count, sizeof count);
  printf("%s|%s|%s told %llu times\n", text, parts[0], parts[1], (unsigned long long)count);
  int ends[2];
  pipe(ends);
  iocb to_pipe = request(IOCB_CMD_PWRITE, ends[1], "pipe", 4), from_pipe = request(IOCB_CMD_PREAD, ends[0], text, 50);
  iocb* both[] = {&to_pipe, &from_pipe};
  SHOW(submit(context, 2, both));
  const timespec soon{60, 0};
  SHOW(get(context, 2, 8, events, &soon));
  printf("%lld %lld %.4s\n", (long long)events[0].res, (long long)events[1].res, text);
  SHOW(destroy(context));
  SHOW(destroy(context));
  for (const int fd : {file, told, ends[0], ends[1]}) close(fd);
  unlink(path);
}
