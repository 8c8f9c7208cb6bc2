// SPDX-License-Identifier: Apache-2.0
#include "net/exported_memory/export_service.h"

#include "kernel/base/log.h"

namespace exported_memory {

using verbs::Access;

ExportService::~ExportService() {
  const base::SpinGuard guard(lock_);
  if (listening_) connections_.unlisten(port);
  waiting_.clear();
  guests_.clear();
  read_only_region_.reset();
  region_.reset();
}

Result<> ExportService::start(std::span<std::byte> memory) {
  const auto address = reinterpret_cast<std::uint64_t>(memory.data());
  const base::SpinGuard guard(lock_);
  region_ = TRY(
      domain_.register_memory(address, memory.size(), Access::LocalWrite | Access::RemoteRead | Access::RemoteWrite));
  read_only_region_ = TRY(domain_.register_memory(address, memory.size(), Access::RemoteRead));
  {
    const auto former = TRY(domain_.register_memory(address, memory.size(), Access::LocalWrite | Access::RemoteWrite));
    answer_.stale_key = former->rkey();
  }
  answer_.key = region_->rkey();
  answer_.read_only_key = read_only_region_->rkey();
  answer_.address = address;
  answer_.bytes = memory.size();
  TRY(waiting_.reserve(max_guests));
  TRY(guests_.reserve(max_guests));
  TRY(connections_.listen(port, *this));
  listening_ = true;
  base::log_info("export", "{} KiB of memory are open to whoever connects to port {}", memory.size() / 1024, port);
  return {};
}

// Inside the engine: a request that finds no place is refused by its end.
void ExportService::requested(base::Own<verbs::ConnectionRequest> request) {
  if (waiting_.size() == max_guests || !waiting_.push_back(std::move(request))) return;
  loop_.post(*this);
}

void ExportService::Guest::end() {
  gone = true;
  service.loop_.post(service);
}

void ExportService::run() {
  const base::SpinGuard guard(lock_);
  for (std::size_t i = 0; i < guests_.size();) {
    if (guests_[i]->gone) {
      guests_.erase(i);
    } else {
      ++i;
    }
  }
  for (auto& request : waiting_) {
    if (auto accepted = accept(*request); !accepted) {
      base::log_warning("export", "a connection cannot be accepted: {}", accepted.error());
    }
  }
  waiting_.clear();
}

Result<> ExportService::accept(verbs::ConnectionRequest& request) {
  if (guests_.size() == max_guests) guests_.erase(0);
  auto guest = TRY(base::try_make<Guest>(*this));
  guest->completions = TRY(device_.create_completion_queue(2));
  verbs::QpInitAttributes attributes;
  attributes.send_cq = attributes.recv_cq = guest->completions.get();
  attributes.capabilities = {
      .max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1, .max_inline_data = 0};
  guest->queue_pair = TRY(device_.create_queue_pair(domain_, attributes));
  verbs::ConnectionParameters parameters;
  parameters.private_data = std::as_bytes(std::span(&answer_, 1));
  guest->connection =
      TRY(request.accept(*guest->queue_pair, Access::RemoteRead | Access::RemoteWrite, *guest, parameters));
  return guests_.push_back(std::move(guest));
}

}  // namespace exported_memory
