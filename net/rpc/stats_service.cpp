// SPDX-License-Identifier: Apache-2.0
// Answers StatsRead: see stats_service.h.
#include "net/rpc/stats_service.h"

#include <algorithm>

#include "net/rpc/json_counters.h"

namespace rpc {

Result<base::Own<StatsService>> StatsService::create(Server& server, BufferMemory& memory, base::SpinLock& lock) {
  Buffer text;
  {
    const base::SpinGuard guard(lock);
    text = TRY(memory.allocate(BufferMemory::max_block_bytes));
  }
  auto service = base::make<StatsService>(server.loop(), memory, lock, text);
  if (!service) {
    const base::SpinGuard guard(lock);
    memory.free(text);
    return base::fail(Error::NoMemory);
  }
  server.handle<messages::StatsReadRequest, &StatsService::read>(*service);
  return service;
}

StatsService::~StatsService() {
  const base::SpinGuard guard(lock_);
  memory_.free(text_);
}

base::Task<> StatsService::read(ServerCall& call, messages::StatsReadRequest) {
  const auto held = co_await busy_.exclusive();
  JsonCounters json({reinterpret_cast<char*>(text_.address), text_.bytes});
  for (CounterSource* source : sources_) source->report(json);
  const std::size_t total = json.finish();
  messages::StatsReadReply reply;
  reply.total_bytes = static_cast<std::uint32_t>(total);
  reply.bytes =
      static_cast<std::uint32_t>(std::min({total, std::size_t{text_.bytes}, std::size_t{call.bulk_capacity()}}));
  const verbs::Sge span{reinterpret_cast<std::uint64_t>(text_.address), reply.bytes, text_.lkey};
  co_return co_await call.reply_bulk(reply, std::span(&span, 1));
}

}  // namespace rpc
