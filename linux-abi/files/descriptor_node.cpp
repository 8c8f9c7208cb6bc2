// SPDX-License-Identifier: Apache-2.0
#include "linux-abi/files/descriptor_node.h"

#include "kernel/base/memory.h"
#include "linux-abi/files/file_context.h"

namespace linux_abi {
namespace {

constexpr int descriptor_domain = 0;

class DescriptorNode final : public Node {
 public:
  DescriptorNode(OpenFileReference file, std::uint32_t mode) : Node(mode), file_(std::move(file)) {}
  Answer<FileStatus> status(Caller& caller) override { return file_->status(caller); }
  Answer<OpenFileReference> open(int flags, PlaceReference, Caller& caller) override {
    return file_->open_again(flags, caller);
  }
  Answer<FileSystemStatus> file_system(Caller&) override {
    constexpr std::uint64_t pipe_magic = 0x50495045;
    return FileSystemStatus{.type = pipe_magic};
  }
  const void* domain() const override { return &descriptor_domain; }

 private:
  void destroy() override { base::Own<DescriptorNode>(this).reset(); }
  OpenFileReference file_;
};

}  // namespace

Answer<PlaceReference> place_of_descriptor(OpenFileReference file, Caller& caller) {
  const FileStatus status = TRY(file->status(caller));
  auto node = base::make<DescriptorNode>(std::move(file), status.mode);
  if (!node) return error(ENOMEM);
  return Place::create(NodeReference(*node.release()), caller.file_context().root(), "descriptor");
}

}  // namespace linux_abi
