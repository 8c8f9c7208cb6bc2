// SPDX-License-Identifier: Apache-2.0
// Kernel AIO: io_setup and its siblings (io_submit(2)). Requests are done by who submits them, as Linux does with what
// goes through the page cache; see files/aio_contexts.h.
#include "linux-abi/calls/calls_aio.h"

#include <linux/aio_abi.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/temporary_mask.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/files/aio_contexts.h"

namespace linux_abi::calls {
namespace {

using arch::UserIn;
using arch::UserOut;

Answer<AioContextReference> context_at(Call& call, std::uint64_t address) {
  AioContextReference context = AioContext::find(call.thread.process_id(), address);
  return context ? Answer<AioContextReference>(std::move(context)) : error(EINVAL);
}

// libaio looks at what a context's address points to. A page of zeros tells it to make calls.
Answer<base::UserVa> map_empty_page(Call& call) {
  processor::MapRequest request;
  request.bytes = base::page_bytes;
  request.protection = vma::Protection::Read;
  const auto mapped = processor::map(call.process().space(), request, call.thread.sleeper());
  return mapped ? Answer<base::UserVa>(*mapped) : error(Errno(mapped.error()).number());
}

void unmap_page(Call& call, base::UserVa page) {
  // The program may have unmapped it itself.
  (void)processor::unmap(call.process().space(), {page, page + base::page_bytes}, call.thread.sleeper());
}

bool is_write(const ::iocb& request) {
  return request.aio_lio_opcode == IOCB_CMD_PWRITE || request.aio_lio_opcode == IOCB_CMD_PWRITEV;
}

Answer<base::Array<UserVector>> vectors_of(const ::iocb& request) {
  if (request.aio_lio_opcode == IOCB_CMD_PREADV || request.aio_lio_opcode == IOCB_CMD_PWRITEV)
    return read_vectors(request.aio_buf, request.aio_nbytes);
  base::Array<UserVector> one;
  TRY(one.push_back({request.aio_buf, request.aio_nbytes}));
  return one;
}

// What has to be right before it is a request at all.
Answer<> check(const ::iocb& request, OpenFile& file) {
  switch (request.aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
      return file.readable() ? Answer<>() : error(EBADF);
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
      return file.writable() ? Answer<>() : error(EBADF);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
      return file.node() != nullptr ? Answer<>() : error(EINVAL);
    default:
      return error(EINVAL);
  }
}

Answer<std::uint64_t> transfer(Call& call, const ::iocb& request, OpenFile& file, std::span<const UserVector> vectors) {
  if (request.aio_lio_opcode == IOCB_CMD_FSYNC || request.aio_lio_opcode == IOCB_CMD_FDSYNC) {
    TRY(file.synchronize(request.aio_lio_opcode == IOCB_CMD_FDSYNC, call.thread));
    return std::uint64_t{0};
  }
  IoPlace place;
  if (file.seek(0, 1, call.thread)) place = TRY(place_at(static_cast<std::uint64_t>(request.aio_offset)));
  return is_write(request) ? write_from_user(call.thread, file, vectors, place)
                           : read_to_user(call.thread, file, vectors, place);
}

// By an eventfd, if the request has one.
Answer<OpenFileReference> file_to_tell(Call& call, const ::iocb& request) {
  if ((request.aio_flags & IOCB_FLAG_RESFD) == 0) return OpenFileReference();
  OpenFileReference file = TRY(real_file(call, request.aio_resfd));
  std::array<char, 32> name{};
  const std::size_t bytes = file->describe(name, call.thread);
  if (std::string_view(name.data(), bytes) != "anon_inode:[eventfd]") return error(EINVAL);
  return file;
}

Answer<> submit(Call& call, AioContext& context, std::uint64_t address) {
  const ::iocb request = TRY(UserIn<::iocb>(address).read());
  if (request.aio_reserved2 != 0 || static_cast<std::int64_t>(request.aio_nbytes) < 0) return error(EINVAL);
  const OpenFileReference file = TRY(real_file(call, request.aio_fildes));
  const OpenFileReference told = TRY(file_to_tell(call, request));
  TRY(check(request, *file));
  const base::Array<UserVector> vectors = TRY(vectors_of(request));
  TRY(UserOut<std::uint32_t>(address + offsetof(::iocb, aio_key)).write(0));
  TRY(context.begin());
  const auto done = transfer(call, request, *file, vectors.span());
  std::int64_t result = 0;
  if (done)
    result = static_cast<std::int64_t>(*done);
  else
    result = done.error() == restart_always ? -EINTR : -done.error().number();
  context.end({.data = request.aio_data, .request = address, .result = result});
  constexpr std::uint64_t one = 1;
  if (told) (void)told->write(std::as_bytes(std::span(&one, 1)), call.thread);
  return {};
}

Answer<std::uint64_t> get_events(Call& call, std::uint64_t deadline_ns) {
  const AioContextReference context = TRY(context_at(call, call.a()));
  const auto least = static_cast<std::int64_t>(call.b()), most = static_cast<std::int64_t>(call.c());
  if (least < 0 || most < least) return error(EINVAL);
  base::Array<AioEvent> events;
  TRY(events.resize(std::min<std::uint64_t>(call.c(), context->events())));
  const auto wanted = std::min<std::uint64_t>(call.b(), events.size());
  const std::size_t count = TRY(context->take(events.span(), wanted, deadline_ns, call.thread));
  TRY(UserOut<AioEvent>(call.d()).write_array(events.span().first(count)));
  return std::uint64_t{count};
}

Answer<std::uint64_t> deadline_of(Call& call, std::uint64_t timeout) {
  if (timeout == 0) return base::never_ns;
  const UserTimespec time = TRY(UserIn<UserTimespec>(timeout).read());
  return is_valid(time) ? Answer<std::uint64_t>(after(call.thread.now_ns(), to_ns(time))) : error(EINVAL);
}

}  // namespace

Answer<std::uint64_t> io_setup(Call& call) {
  const auto events = static_cast<std::uint32_t>(call.a());
  if (TRY(UserIn<std::uint64_t>(call.b()).read()) != 0 || events == 0) return error(EINVAL);
  constexpr std::uint32_t too_many = 0x10000000 / sizeof(AioEvent);
  if (events > too_many) return error(EINVAL);
  if (events > AioContext::most_events) return error(EAGAIN);
  const base::UserVa page = TRY(map_empty_page(call));
  const Answer<> made = AioContext::create(call.thread.process_id(), page.value(), events);
  if (made && UserOut<std::uint64_t>(call.b()).write(page.value())) return std::uint64_t{0};
  if (made) (void)AioContext::remove(call.thread.process_id(), page.value());
  unmap_page(call, page);
  return made ? error(EFAULT) : Answer<std::uint64_t>(std::unexpected(made.error()));
}

Answer<std::uint64_t> io_destroy(Call& call) {
  if (call.a() == 0 || !AioContext::remove(call.thread.process_id(), call.a())) return error(EINVAL);
  unmap_page(call, base::UserVa(call.a()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> io_submit(Call& call) {
  if (static_cast<std::int64_t>(call.b()) < 0) return error(EINVAL);
  const AioContextReference context = TRY(context_at(call, call.a()));
  const std::uint64_t count = std::min<std::uint64_t>(call.b(), context->events());
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto one = [&]() -> Answer<> {
      return submit(call, *context, TRY(UserIn<std::uint64_t>(call.c() + i * sizeof(std::uint64_t)).read()));
    };
    if (const Answer<> done = one(); !done) return i > 0 ? Answer<std::uint64_t>(i) : std::unexpected(done.error());
  }
  return count;
}

// Nothing is ever under way.
Answer<std::uint64_t> io_cancel(Call& call) {
  TRY(UserIn<std::uint32_t>(call.b() + offsetof(::iocb, aio_key)).read());
  return error(EINVAL);
}

Answer<std::uint64_t> io_getevents(Call& call) { return get_events(call, TRY(deadline_of(call, call.e()))); }

Answer<std::uint64_t> io_pgetevents(Call& call) {
  struct UserMask {
    std::uint64_t address, bytes;
  };
  UserMask given{};
  const std::uint64_t deadline_ns = TRY(deadline_of(call, call.e()));
  if (call.f() != 0) given = TRY(UserIn<UserMask>(call.f()).read());
  TemporaryMask mask(call.thread);
  TRY(mask.set(given.address, given.bytes));
  const auto result = get_events(call, deadline_ns);
  if (!result && result.error() == EINTR) mask.interrupted();
  return result;
}

}  // namespace linux_abi::calls
