// SPDX-License-Identifier: Apache-2.0
// From a call's arguments to places: see path_arguments.h.
#include "linux-abi/calls/path_arguments.h"

#include <linux/fcntl.h>

namespace linux_abi::calls {

Answer<Named> find_named(Call& call, int directory, std::uint64_t path, LastLink last, EmptyPath empty) {
  const UserPath given = TRY(UserPath::read(path));
  Named named;
  if (!given.text().empty() || empty == EmptyPath::Refused) {
    named.place = TRY(walk(call.thread, directory, given.text(), last));
    return named;
  }
  named.by_empty_path = true;
  if (directory == at_current_directory) {
    named.place = call.thread.file_context().working_directory();
    return named;
  }
  named.file = TRY(call.thread.descriptors().get(directory));
  if (named.file->place() != nullptr) named.place = PlaceReference(*named.file->place());
  return named;
}

Answer<OpenFileReference> real_file(Call& call, std::uint64_t descriptor) {
  OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(descriptor)));
  if ((file->flags() & O_PATH) != 0) return error(EBADF);
  return file;
}

}  // namespace linux_abi::calls
