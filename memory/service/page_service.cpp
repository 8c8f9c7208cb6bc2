// SPDX-License-Identifier: Apache-2.0
// Pages and shared objects: see page_service.h.
#include "memory/service/page_service.h"

namespace memory {

using base::Error;
using base::Result;
using base::Task;

void PageService::serve(rpc::Server& server) {
  server.handle<messages::PageFetchRequest, &PageService::fetch>(*this);
  server.handle<messages::PageWriteBackRequest, &PageService::write_back>(*this);
  server.handle<messages::FrameReserveRequest, &PageService::reserve>(*this);
  server.handle<messages::ObjectCreateRequest, &PageService::create_object>(*this);
  server.handle<messages::ObjectReleaseRequest, &PageService::release_object>(*this);
}

Task<> PageService::fetch(rpc::ServerCall& call, messages::PageFetchRequest request) {
  CO_TRY(PageHolder * holder, context_.holders.find(request.tag.id, call.vnode()));
  FrameRef frame;
  if (holder->kind() == HolderKind::File) {
    auto& file = static_cast<FileObject&>(*holder);
    const auto pin = context_.files.pin(file);
    CO_TRY(frame, co_await context_.cache.get(file, request.tag.page));
  } else {
    const FrameNumber number = holder->pages.find(request.tag.page);
    if (number == no_frame) co_return base::fail(Error::NotFound);
    frame = FrameRef::share(context_.frames, number);
  }
  // The reference keeps the content as it is until the pComponent has it.
  co_return co_await call.reply_page({reinterpret_cast<std::uint64_t>(frame.data()), base::page_bytes, frame.lkey()});
}

Task<> PageService::write_back(rpc::ServerCall& call, messages::PageWriteBackRequest request) {
  // Dirty file pages may not fill the frames that anonymous pages need: wait for the disk.
  const std::uint64_t limit = context_.frames.total() / 4;
  while (context_.cache.dirty_pages() > limit) co_await context_.cache.cleaned().wait();
  context_.writer = call.peer().node;
  CO_TRY_VOID(context_.write_back.apply(call.vnode(), request, call.tail()));
  co_return call.reply(messages::EmptyReply{});
}

Task<> PageService::reserve(rpc::ServerCall& call, messages::FrameReserveRequest request) {
  CO_TRY_VOID(context_.find_space(request.space, call.vnode()));
  if (!context_.cache.reclaim(request.frames)) co_return base::fail(Error::NoMemory);
  co_return call.reply(messages::EmptyReply{});
}

Task<> PageService::create_object(rpc::ServerCall& call, messages::ObjectCreateRequest) {
  auto object =
      base::make<PageHolder>(context_.holders.new_id(), call.vnode(), HolderKind::AnonymousObject, context_.frames);
  if (!object) co_return base::fail(Error::NoMemory);
  object->processor = call.peer().node;
  messages::ObjectCreateReply reply;
  reply.object = context_.holders.add(std::move(object)).id();
  co_return call.reply(reply);
}

Task<> PageService::release_object(rpc::ServerCall& call, messages::ObjectReleaseRequest request) {
  CO_TRY(PageHolder * object, context_.holders.find(request.object, call.vnode()));
  if (object->kind() != HolderKind::AnonymousObject) co_return base::fail(Error::NotPermitted);
  context_.objects.release(*object);
  co_return call.reply(messages::EmptyReply{});
}

}  // namespace memory
