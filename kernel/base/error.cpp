// SPDX-License-Identifier: Apache-2.0
// Names of errors, for logs and for lego's one-line messages.
#include "kernel/base/error.h"

namespace base {

const char* error_name(Error error) {
  switch (error) {
    case Error::None:
      return "no error";
    case Error::InvalidArgument:
      return "invalid argument";
    case Error::NotFound:
      return "not found";
    case Error::Exists:
      return "exists already";
    case Error::NoMemory:
      return "out of memory";
    case Error::NoSpace:
      return "no space on the device";
    case Error::NotPermitted:
      return "not permitted";
    case Error::AccessDenied:
      return "access denied";
    case Error::BadAddress:
      return "bad address";
    case Error::NotDirectory:
      return "not a directory";
    case Error::IsDirectory:
      return "is a directory";
    case Error::NotEmpty:
      return "directory not empty";
    case Error::TooManyLinks:
      return "too many links";
    case Error::TooManySymlinks:
      return "too many symbolic links";
    case Error::NameTooLong:
      return "name too long";
    case Error::ReadOnly:
      return "read-only";
    case Error::Busy:
      return "busy";
    case Error::NotSupported:
      return "not supported";
    case Error::NotImplemented:
      return "not implemented";
    case Error::NotExecutable:
      return "not an executable";
    case Error::TooBig:
      return "too big";
    case Error::IoError:
      return "input/output error";
    case Error::TimedOut:
      return "timed out";
    case Error::Interrupted:
      return "interrupted";
    case Error::Again:
      return "try again";
    case Error::Stale:
      return "stale id or epoch";
    case Error::Malformed:
      return "malformed";
    case Error::VersionMismatch:
      return "protocol version mismatch";
    case Error::AuthenticationFailed:
      return "authentication failed";
    case Error::NotConnected:
      return "not connected";
    case Error::Disconnected:
      return "disconnected";
    case Error::PeerDead:
      return "peer is dead";
    case Error::Overflow:
      return "overflow";
    case Error::Exhausted:
      return "table full";
    case Error::CrossDevice:
      return "cross-device link";
    case Error::BrokenPipe:
      return "broken pipe";
    case Error::NoSuchProcess:
      return "no such process";
    case Error::NoDevice:
      return "no such device";
    case Error::BadDescriptor:
      return "bad descriptor";
    case Error::NotTerminal:
      return "not a terminal";
    case Error::IllegalSeek:
      return "illegal seek";
    case Error::Deadlock:
      return "would deadlock";
    case Error::OutOfRange:
      return "out of range";
  }
  return "unknown error";
}

}  // namespace base
