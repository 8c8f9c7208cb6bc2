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

// At first it belongs to who opened the master.
struct PseudoSlave {
  int number = 0;
  std::uint32_t permissions = 0620, uid = 0, gid = 0;
};
// The first slave of the caller's vNode with that number or a higher one; false: none.
bool next_pseudo_slave(int from, Caller& caller, PseudoSlave& slave);
// ENOENT
Answer<PseudoSlave> find_pseudo_slave(int number, Caller& caller);
// Permissions and owner; ENOENT.
Answer<> change_pseudo_slave(int number, const AttributeChange& change, Caller& caller);

}  // namespace linux_abi
