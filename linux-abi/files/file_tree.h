// SPDX-License-Identifier: Apache-2.0
// The files of a vNode as its processes see them: the root from its home mComponent, file systems in that one's memory,
// and /proc, /dev and the like made here. One for each vNode, held by it and by whoever is somewhere in it.
#pragma once

#include "linux-abi/abi/errno.h"
#include "processor/process.h"
#include "processor/reference.h"

namespace linux_abi {

class FileTree;
class Caller;

}  // namespace linux_abi

namespace processor {
template <>
struct ReferenceCount<linux_abi::FileTree> {
  static void take(linux_abi::FileTree& tree);
  static void drop(linux_abi::FileTree& tree);
};
}  // namespace processor

namespace linux_abi {

class VNode;

// Mounts the vNode's root (FileMount at its home) and the others. `kept`: see ProgramStartRequest.
Answer<processor::Reference<FileTree>> mount_files(processor::Family& family, VNode& vnode,
                                                   const rpc::NodeAddress& storage, std::uint32_t kept,
                                                   processor::Sleeper& sleeper);
// Writes everything back: FileSync of all, and leaves the file system clean (FileUnmount).
Answer<> unmount_files(FileTree& tree, processor::Sleeper& sleeper);

}  // namespace linux_abi
