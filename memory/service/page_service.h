// SPDX-License-Identifier: Apache-2.0
// Pages and shared objects: PageFetch, PageWriteBack, FrameReserve, ObjectCreate, ObjectRelease.
#pragma once

#include "memory/service/context.h"
#include "net/messages/space.h"
#include "net/rpc/server.h"

namespace memory {

class PageService {
 public:
  explicit PageService(Context& context) : context_(context) {}
  void serve(rpc::Server& server);
  // ExCache lines of the pComponents served; as many frames are kept for their write-backs.
  void set_excache_lines(std::uint64_t lines) { context_.frames.set_reserve(lines); }

 private:
  base::Task<> fetch(rpc::ServerCall& call, messages::PageFetchRequest request);
  base::Task<> write_back(rpc::ServerCall& call, messages::PageWriteBackRequest request);
  base::Task<> reserve(rpc::ServerCall& call, messages::FrameReserveRequest request);
  base::Task<> create_object(rpc::ServerCall& call, messages::ObjectCreateRequest request);
  base::Task<> release_object(rpc::ServerCall& call, messages::ObjectReleaseRequest request);

  Context& context_;
};

}  // namespace memory
