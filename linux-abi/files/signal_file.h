// SPDX-License-Identifier: Apache-2.0
// signalfd(2): an open file whose reads take pending signals of the thread that reads, and of its process.
#pragma once

#include "linux-abi/files/open_file.h"
#include "linux-abi/signals/numbers.h"

namespace linux_abi {

class SignalFile : public OpenFile {
 public:
  static Answer<OpenFileReference> create(SignalSet wanted, int flags);
  virtual void set_wanted(SignalSet wanted) = 0;

 protected:
  using OpenFile::OpenFile;
};

}  // namespace linux_abi
