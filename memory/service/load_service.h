// SPDX-License-Identifier: Apache-2.0
// SpaceLoad: maps an ELF program and the interpreter it names into an empty space of which this is the home.
#pragma once

#include "memory/elf/elf_file.h"
#include "memory/service/context.h"
#include "memory/service/path_walk.h"
#include "memory/space/load_plan.h"
#include "net/messages/space.h"
#include "net/rpc/server.h"

namespace memory {

class LoadService {
 public:
  explicit LoadService(Context& context) : context_(context), paths_(context) {}
  void serve(rpc::Server& server) { server.handle<messages::SpaceLoadRequest, &LoadService::load>(*this); }

 private:
  struct Program {
    ElfHeader header;
    ElfProgram program;
    std::array<char, max_interpreter_path + 1> interpreter{};  // ended by a zero byte
  };
  base::Task<> load(rpc::ServerCall& call, messages::SpaceLoadRequest request);
  base::Task<Program> read_program(FileObject& file);
  // Copies bytes of the file; Malformed if it ends before.
  base::Task<> read_bytes(FileObject& file, std::uint64_t offset, std::span<std::byte> target);
  base::Result<> reply(rpc::ServerCall& call, const Space& space, const messages::SpaceLoadReply& body,
                       std::span<const messages::ZeroRange> zero_ranges);

  Context& context_;
  PathWalk paths_;
};

}  // namespace memory
