// SPDX-License-Identifier: Apache-2.0
// The mapping from base::Error to Linux's error numbers, and their names.
#include "linux-abi/abi/errno.h"

namespace linux_abi {
namespace {

int number_of(base::Error error) {
  using base::Error;
  switch (error) {
    case Error::None:
      return 0;
    case Error::InvalidArgument:
      return EINVAL;
    case Error::NotFound:
      return ENOENT;
    case Error::Exists:
      return EEXIST;
    case Error::NoMemory:
      return ENOMEM;
    case Error::NoSpace:
      return ENOSPC;
    case Error::NotPermitted:
      return EPERM;
    case Error::AccessDenied:
      return EACCES;
    case Error::BadAddress:
      return EFAULT;
    case Error::NotDirectory:
      return ENOTDIR;
    case Error::IsDirectory:
      return EISDIR;
    case Error::NotEmpty:
      return ENOTEMPTY;
    case Error::TooManyLinks:
      return EMLINK;
    case Error::TooManySymlinks:
      return ELOOP;
    case Error::NameTooLong:
      return ENAMETOOLONG;
    case Error::ReadOnly:
      return EROFS;
    case Error::Busy:
      return EBUSY;
    case Error::NotSupported:
      return EOPNOTSUPP;
    case Error::NotImplemented:
      return ENOSYS;
    case Error::NotExecutable:
      return ENOEXEC;
    case Error::TooBig:
      return EFBIG;
    case Error::IoError:
      return EIO;
    case Error::TimedOut:
      return ETIMEDOUT;
    case Error::Interrupted:
      return EINTR;
    case Error::Again:
      return EAGAIN;
    case Error::Stale:
      return ESTALE;
    case Error::Malformed:
      return EIO;
    case Error::VersionMismatch:
      return EPROTO;
    case Error::AuthenticationFailed:
      return EACCES;
    case Error::NotConnected:
      return ENOTCONN;
    case Error::Disconnected:
      return EIO;
    case Error::PeerDead:
      return EIO;
    case Error::Overflow:
      return EOVERFLOW;
    case Error::Exhausted:
      return ENOMEM;
    case Error::CrossDevice:
      return EXDEV;
    case Error::BrokenPipe:
      return EPIPE;
    case Error::NoSuchProcess:
      return ESRCH;
    case Error::NoDevice:
      return ENXIO;
    case Error::BadDescriptor:
      return EBADF;
    case Error::NotTerminal:
      return ENOTTY;
    case Error::IllegalSeek:
      return ESPIPE;
    case Error::Deadlock:
      return EDEADLK;
    case Error::OutOfRange:
      return ERANGE;
  }
  return EIO;
}

}  // namespace

Errno::Errno(base::Error error) : number_(number_of(error)) {}

const char* errno_name(int number) {
#define NAME(name) \
  case name:       \
    return #name;
  switch (number) {
    NAME(EPERM)
    NAME(ENOENT)
    NAME(ESRCH)
    NAME(EINTR)
    NAME(EIO)
    NAME(ENXIO) NAME(E2BIG) NAME(ENOEXEC) NAME(EBADF) NAME(ECHILD) NAME(EAGAIN) NAME(ENOMEM) NAME(EACCES) NAME(EFAULT)
        NAME(ENOTBLK) NAME(EBUSY) NAME(EEXIST) NAME(EXDEV) NAME(ENODEV) NAME(ENOTDIR) NAME(EISDIR) NAME(EINVAL)
            NAME(ENFILE) NAME(EMFILE) NAME(ENOTTY) NAME(ETXTBSY) NAME(EFBIG) NAME(ENOSPC) NAME(ESPIPE) NAME(EROFS)
                NAME(EMLINK) NAME(EPIPE) NAME(EDOM) NAME(ERANGE) NAME(EDEADLK) NAME(ENAMETOOLONG) NAME(ENOLCK)
                    NAME(ENOSYS) NAME(ENOTEMPTY) NAME(ELOOP) NAME(ENODATA) NAME(EPROTO) NAME(EOVERFLOW) NAME(EILSEQ)
                        NAME(ENOTSOCK) NAME(EDESTADDRREQ) NAME(EMSGSIZE) NAME(EPROTOTYPE) NAME(ENOPROTOOPT)
                            NAME(EPROTONOSUPPORT) NAME(EOPNOTSUPP) NAME(EAFNOSUPPORT) NAME(EADDRINUSE)
                                NAME(ECONNABORTED) NAME(ECONNRESET) NAME(ENOBUFS) NAME(EISCONN) NAME(ENOTCONN)
                                    NAME(ETIMEDOUT) NAME(ECONNREFUSED) NAME(EALREADY) NAME(EINPROGRESS) NAME(ESTALE)
                                        NAME(ECANCELED) NAME(EDQUOT) default : return "";
  }
#undef NAME
}

}  // namespace linux_abi
