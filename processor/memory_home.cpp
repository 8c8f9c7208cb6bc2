// SPDX-License-Identifier: Apache-2.0
// The ExCache's requests to mComponents: see memory_home.h.
#include "processor/memory_home.h"

#include <cstring>

namespace processor {

using base::Error;

bool is_passing(Error error) {
  switch (error) {
    case Error::Again:
    case Error::Busy:
    case Error::Exhausted:
    case Error::NoMemory:
    case Error::TimedOut:
    case Error::Interrupted:
    case Error::Disconnected:  // of a home that lives; all requests about pages may be repeated
      return true;
    default:
      return false;
  }
}

// --- The pool
// ---------------------------------------------------------------------------------------------------------

base::Result<> PageCalls::start(excache::ExCache& cache) {
  cache_ = &cache;
  line_calls_ = TRY(excache::Block<LineCall>::create(line_calls));
  write_back_calls_ = TRY(excache::Block<WriteBackCall>::create(excache::max_write_backs));
  for (LineCall& call : line_calls_) give(call);
  for (WriteBackCall& call : write_back_calls_) give(call);
  return {};
}

LineCall* PageCalls::take_line_call() {
  const base::SpinGuard guard(lock_);
  if (free_line_calls_.empty()) return nullptr;
  LineCall& call = free_line_calls_.front();
  free_line_calls_.pop_front();
  call.pool_ = this;
  return &call;
}

// There are as many as the ExCache has records of write-backs.
WriteBackCall& PageCalls::take_write_back_call() {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(!free_write_back_calls_.empty());
  WriteBackCall& call = free_write_back_calls_.front();
  free_write_back_calls_.pop_front();
  call.pool_ = this;
  return call;
}

void PageCalls::give(LineCall& call) {
  const base::SpinGuard guard(lock_);
  free_line_calls_.push_front(call);
}

void PageCalls::give(WriteBackCall& call) {
  const base::SpinGuard guard(lock_);
  free_write_back_calls_.push_front(call);
}

// --- Requests
// ---------------------------------------------------------------------------------------------------------

void MemoryHome::submit(rpc::Call& call, messages::Operation operation, std::span<const std::byte> body,
                        rpc::Priority priority) {
  call.request.operation = operation;
  call.request.body = body;
  call.request.vnode = vnode_;
  call.request.priority = priority;
  peer_.submit(call);
}

void MemoryHome::fetch(excache::Line& line, excache::PageKey key, bool prefetch) {
  LineCall* call = calls_.take_line_call();
  if (call == nullptr) return calls_.cache().fetch_done(line, Error::Again);
  call->line_ = &line;
  call->fetches_ = true;
  messages::PageFetchRequest request;
  request.tag.id = key.id;
  request.tag.page = key.page;
  request.prefetch = prefetch ? 1U : 0U;
  std::memcpy(call->body_.data(), &request, sizeof request);
  call->request.bulk = calls_.slabs().remote(calls_.cache().index_of(line));
  submit(*call, messages::Operation::PageFetch, std::span(call->body_).first(sizeof request),
         prefetch ? rpc::Priority::Prefetch : rpc::Priority::Demand);
}

void MemoryHome::notify_write(excache::Line& line, excache::PageKey key) {
  LineCall* call = calls_.take_line_call();
  if (call == nullptr) return calls_.cache().write_notified(line, Error::Again);
  call->line_ = &line;
  call->fetches_ = false;
  messages::FileReserveRequest request;
  request.file = key.id;
  request.offset = key.page * base::page_bytes;
  request.bytes = base::page_bytes;
  std::memcpy(call->body_.data(), &request, sizeof request);
  call->request.bulk = {};
  submit(*call, messages::Operation::FileReserve, std::span(call->body_).first(sizeof request), rpc::Priority::Demand);
}

void MemoryHome::reserve_frames(excache::Space& space, std::uint32_t frames) {
  ReserveCall& call = static_cast<SpaceWithCall&>(space).reserve_call;
  call.frames_ = frames;
  call.body_.space = space.id.value();
  call.body_.frames = frames;
  submit(call, messages::Operation::FrameReserve, std::as_bytes(std::span(&call.body_, 1)), rpc::Priority::Demand);
}

void MemoryHome::write_back(excache::WriteBack& pages) {
  WriteBackCall& call = calls_.take_write_back_call();
  call.pages_ = &pages;
  call.describe(pages);
  call.body_.page_count = pages.page_count;
  call.body_.tag_count = pages.tag_count;
  submit(call, messages::Operation::PageWriteBack, std::as_bytes(std::span(&call.body_, 1)), rpc::Priority::WriteBack);
}

void WriteBackCall::describe(const excache::WriteBack& pages) {
  std::size_t bytes = 0;
  const auto append = [&](const auto& item) {
    std::memcpy(description_.data() + bytes, &item, sizeof item);
    bytes += sizeof item;
  };
  unsigned tag = 0;
  for (unsigned i = 0; i < pages.page_count; ++i) {
    const excache::WriteBack::Page& page = pages.pages[i];
    messages::WriteBackEntry entry;
    entry.tag_count = page.tag_count;
    entry.object_bytes = page.object_bytes;
    append(entry);
    for (std::uint32_t n = 0; n < page.tag_count; ++n, ++tag) {
      messages::PageTag name;
      name.id = pages.tags[tag].id;
      name.page = pages.tags[tag].page;
      append(name);
    }
    segments_[i] = pool_->slabs().local(pool_->cache().index_of(*page.line));
  }
  request.copied_tail = std::span(description_).first(bytes);
  request.tail = std::span(segments_).first(pages.page_count);
}

// --- Answers
// ----------------------------------------------------------------------------------------------------------

void LineCall::completed(base::Result<rpc::Reply> reply) {
  error_ = reply ? Error::None : reply.error();
  if (reply && fetches_ && reply->bulk_bytes() != base::page_bytes) error_ = Error::Malformed;
}

void LineCall::released() {
  PageCalls& pool = *pool_;
  excache::Line& line = *line_;
  const bool fetched = fetches_;
  const Error error = error_;
  pool.give(*this);
  if (fetched) return pool.cache().fetch_done(line, error);
  pool.cache().write_notified(line, error);
}

void WriteBackCall::completed(base::Result<rpc::Reply> reply) { error_ = reply ? Error::None : reply.error(); }

void WriteBackCall::released() {
  PageCalls& pool = *pool_;
  excache::WriteBack& pages = *pages_;
  const Error error = is_passing(error_) ? Error::Again : error_;
  pool.give(*this);
  pool.cache().write_back_done(pages, error);
}

void ReserveCall::completed(base::Result<rpc::Reply> reply) { error_ = reply ? Error::None : reply.error(); }

// The space may end as soon as the ExCache knows.
void ReserveCall::released() { pool_.cache().frames_reserved(space_, frames_, error_); }

}  // namespace processor
