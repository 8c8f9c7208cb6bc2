// SPDX-License-Identifier: Apache-2.0
// Pseudo-terminals (pty(7)): /dev/ptmx makes one, whose slave is /dev/pts/N of the same vNode until the master is
// closed.
#pragma once

#include "linux-abi/files/place.h"

namespace linux_abi {

// ENOSPC: the vNode's pComponent has 256.
Answer<OpenFileReference> open_pseudo_master(int flags, PlaceReference place, Caller& caller);
// `controlling`: it may become the caller's terminal. ENXIO: there is no such slave. EIO: it is locked (unlockpt(3)).
Answer<OpenFileReference> open_pseudo_slave(int number, int flags, PlaceReference place, bool controlling,
                                            Caller& caller);

struct PseudoSlave {
  int number = 0;
  std::uint32_t uid = 0;  // who opened the master
};
// The first slave of the caller's vNode with that number or a higher one; false: none.
bool next_pseudo_slave(int from, Caller& caller, PseudoSlave& slave);

}  // namespace linux_abi
