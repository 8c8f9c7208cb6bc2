// SPDX-License-Identifier: Apache-2.0
// The one closed set of errors that crosses component and library boundaries, Result<T>, and the macros that pass an
// error up. errno exists only in linux-abi/, which maps these to it. The values travel in RPC replies: never renumber.
#pragma once

#include <cstdint>
#include <expected>
#include <utility>

namespace base {

enum class Error : std::uint32_t {
  None = 0,  // only on the wire: "no error"; never inside a Result
  InvalidArgument = 1,
  NotFound = 2,
  Exists = 3,
  NoMemory = 4,
  NoSpace = 5,       // a disk is full
  NotPermitted = 6,  // EPERM
  AccessDenied = 7,  // EACCES
  BadAddress = 8,    // EFAULT
  NotDirectory = 9,
  IsDirectory = 10,
  NotEmpty = 11,
  TooManyLinks = 12,  // links to one inode
  TooManySymlinks = 13,
  NameTooLong = 14,
  ReadOnly = 15,
  Busy = 16,
  NotSupported = 17,
  NotImplemented = 18,
  NotExecutable = 19,  // ENOEXEC
  TooBig = 20,         // E2BIG, EFBIG by context
  IoError = 21,
  TimedOut = 22,
  Interrupted = 23,
  Again = 24,
  Stale = 25,      // an unknown id or an old epoch
  Malformed = 26,  // bytes that are no message, ELF file, packet...
  VersionMismatch = 27,
  AuthenticationFailed = 28,
  NotConnected = 29,
  Disconnected = 30,
  PeerDead = 31,
  Overflow = 32,
  Exhausted = 33,  // a bounded table or queue is full
  CrossDevice = 34,
  BrokenPipe = 35,
  NoSuchProcess = 36,
  NoDevice = 37,
  BadDescriptor = 38,
  NotTerminal = 39,
  IllegalSeek = 40,
  Deadlock = 41,
  OutOfRange = 42,
};

const char* error_name(Error error);

template <typename T = void>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;
inline Failure fail(Error error) { return Failure(error); }

}  // namespace base

// TRY(expression): the value of a Result, or return its error from this function. Not for coroutines: see CO_TRY.
// Not between the braces of an aggregate or array behind an element that has a destructor: GCC 12 returns without
// destroying it (tests/sources looks for these).
#define TRY(expression)                              \
  __extension__({                                    \
    auto&& try_result_ = (expression);               \
    if (!try_result_) [[unlikely]]                   \
      return ::std::unexpected(try_result_.error()); \
    ::base::detail::take(::std::move(try_result_));  \
  })

// In coroutines (GCC cannot compile co_await and co_return inside one statement expression):
//   CO_TRY(auto page, co_await fetch(...));      declares `page`, or co_returns the error
//   CO_TRY_VOID(co_await flush(...));
#define LEGO_CONCAT_(a, b) a##b
#define LEGO_CONCAT(a, b) LEGO_CONCAT_(a, b)
#define CO_TRY(declaration, expression) CO_TRY_(LEGO_CONCAT(co_try_, __COUNTER__), declaration, expression)
#define CO_TRY_(name, declaration, expression) \
  auto name = (expression);                    \
  if (!name) [[unlikely]]                      \
    co_return ::std::unexpected(name.error()); \
  declaration = ::std::move(*name)
#define CO_TRY_VOID(expression)                                                                                   \
  do {                                                                                                            \
    if (auto co_try_result_ = (expression); !co_try_result_) co_return ::std::unexpected(co_try_result_.error()); \
  } while (false)

namespace base::detail {
template <typename T, typename E>
T take(std::expected<T, E>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
template <typename T, typename E>
T take(std::expected<T, E>& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace base::detail
