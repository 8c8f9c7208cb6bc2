// SPDX-License-Identifier: Apache-2.0
// The verbs::Device of a libibverbs device, with its protection domains and memory regions.
#pragma once

#include <string>

#include "kernel/base/memory.h"
#include "net/ibverbs/context.h"

namespace ibverbs {

class IbDevice final : public verbs::Device {
 public:
  // name: "rxe0", or "mlx5_0:2" for its second port; address: ours, an IP address of the port's network device. What is
  // wrong is logged in words.
  static Result<base::Own<IbDevice>> open(const std::string& name, const verbs::Gid& address);
  IbDevice() = default;
  IbDevice(const IbDevice&) = delete;
  IbDevice& operator=(const IbDevice&) = delete;
  ~IbDevice() override;  // what was made from it has gone

  verbs::Gid gid() const override { return context_.address; }
  std::uint32_t active_mtu() const override { return context_.active_mtu; }
  Result<base::Own<verbs::ProtectionDomain>> allocate_protection_domain() override;
  Result<base::Own<verbs::CompletionQueue>> create_completion_queue(std::uint32_t entries) override;
  Result<base::Own<verbs::QueuePair>> create_queue_pair(verbs::ProtectionDomain& domain,
                                                        const verbs::QpInitAttributes& attributes) override;

  Context& context() { return context_; }
  // Readable when a completion queue has news: take_completions(), with the lock held, tells whoever waits.
  int completions_fd() const { return context_.completions->fd; }
  void take_completions();
  // Readable when something happened to the device or a queue pair. False: the device is gone.
  int events_fd() const { return context_.device->async_fd; }
  bool take_events();

 private:
  Result<> prepare(const std::string& name, const verbs::Gid& address);
  Result<> find_address(const std::string& name, const verbs::Gid& address, bool ethernet);

  Context context_;
};

}  // namespace ibverbs
