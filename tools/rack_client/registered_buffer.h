// SPDX-License-Identifier: Apache-2.0
// Memory of lego that the rack reads from (tails of requests) or writes into (bulk replies).
#pragma once

#include <cstring>
#include <vector>

#include "kernel/base/spinlock.h"
#include "net/rpc/buffers.h"

namespace rack_client {

class RegisteredBuffer {
 public:
  // lock: the endpoint's.
  static base::Result<std::unique_ptr<RegisteredBuffer>> create(base::SpinLock& lock, verbs::ProtectionDomain& domain,
                                                                std::size_t bytes) {
    std::unique_ptr<RegisteredBuffer> buffer(new RegisteredBuffer(lock, bytes));
    const base::SpinGuard guard(lock);
    buffer->region_ =
        TRY(domain.register_memory(buffer->address(), bytes, verbs::Access::LocalWrite | verbs::Access::RemoteWrite));
    return buffer;
  }
  RegisteredBuffer(const RegisteredBuffer&) = delete;
  RegisteredBuffer& operator=(const RegisteredBuffer&) = delete;
  ~RegisteredBuffer() {
    const base::SpinGuard guard(lock_);
    region_.reset();
  }

  std::size_t size() const { return memory_.size(); }
  std::span<std::byte> bytes() { return memory_; }
  std::string_view text(std::size_t length) const {
    return {reinterpret_cast<const char*>(memory_.data()), std::min(length, memory_.size())};
  }
  // Puts bytes at the front; they fit.
  void fill(std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(memory_.data(), bytes.data(), std::min(bytes.size(), memory_.size()));
  }
  verbs::Sge front(std::uint32_t bytes) const { return {address(), bytes, region_->lkey()}; }
  rpc::RemoteBuffer remote() const { return {address(), region_->rkey(), static_cast<std::uint32_t>(memory_.size())}; }

 private:
  RegisteredBuffer(base::SpinLock& lock, std::size_t bytes) : lock_(lock), memory_(bytes) {}
  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(memory_.data()); }

  base::SpinLock& lock_;
  std::vector<std::byte> memory_;
  base::Own<verbs::MemoryRegion> region_;
};

}  // namespace rack_client
