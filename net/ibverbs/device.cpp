// SPDX-License-Identifier: Apache-2.0
#include "net/ibverbs/device.h"

#include <arpa/inet.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "kernel/base/log.h"
#include "net/ibverbs/completion_queue.h"
#include "net/ibverbs/queue_pair.h"

namespace ibverbs {
namespace {

using std::string_view;

class IbMemoryRegion final : public verbs::MemoryRegion {
 public:
  explicit IbMemoryRegion(ibv_mr* region) : region_(region) {}
  ~IbMemoryRegion() override {
    if (ibv_dereg_mr(region_) != 0) base::log_error("verbs", "a memory region cannot be deregistered");
  }
  std::uint32_t lkey() const override { return region_->lkey; }
  std::uint32_t rkey() const override { return region_->rkey; }

 private:
  ibv_mr* region_;
};

class IbProtectionDomain final : public verbs::ProtectionDomain {
 public:
  explicit IbProtectionDomain(ibv_pd* domain) : domain_(domain) {}
  ~IbProtectionDomain() override { ibv_dealloc_pd(domain_); }
  Result<base::Own<verbs::MemoryRegion>> register_memory(std::uint64_t address, std::uint64_t length,
                                                         verbs::Access access) override {
    unsigned flags = access_flags(access);
    // libibverbs grants peers no more than ourselves.
    if ((flags & (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC)) != 0) flags |= IBV_ACCESS_LOCAL_WRITE;
    ibv_mr* region = ibv_reg_mr(domain_, reinterpret_cast<void*>(address), length, static_cast<int>(flags));
    if (region == nullptr) return base::fail(error_of(errno));
    auto owned = base::make<IbMemoryRegion>(region);
    if (!owned) {
      ibv_dereg_mr(region);
      return base::fail(Error::NoMemory);
    }
    return owned;
  }
  ibv_pd* get() { return domain_; }

 private:
  ibv_pd* domain_;
};

ibv_context* open_by_name(const std::string& name) {
  int count = 0;
  ibv_device** devices = ibv_get_device_list(&count);
  if (devices == nullptr) {
    base::log_error("verbs", "there are no RDMA devices: {}", string_view(strerror(errno)));
    return nullptr;
  }
  ibv_context* context = nullptr;
  std::string others;
  bool found = false;
  for (int i = 0; i < count; ++i) {
    const std::string other = ibv_get_device_name(devices[i]);
    others += (others.empty() ? "" : ", ") + other;
    if (other != name) continue;
    found = true;
    context = ibv_open_device(devices[i]);
    if (context == nullptr) {
      base::log_error("verbs", "{} cannot be opened: {}", string_view(name), string_view(strerror(errno)));
    }
  }
  if (!found) {
    base::log_error("verbs", "there is no RDMA device {} (there are: {})", string_view(name),
                    others.empty() ? string_view("none") : string_view(others));
  }
  ibv_free_device_list(devices);
  return context;
}

std::string text_of(const verbs::Gid& gid) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, gid.bytes.data(), text, sizeof text);
  return text;
}

}  // namespace

Result<base::Own<IbDevice>> IbDevice::open(const std::string& name, const verbs::Gid& address) {
  auto device = TRY(base::try_make<IbDevice>());
  TRY(device->prepare(name, address));
  return device;
}

Result<> IbDevice::prepare(const std::string& name, const verbs::Gid& address) {
  const auto colon = name.rfind(':');
  const std::string device = name.substr(0, colon);
  const int port = colon == name.npos ? 1 : atoi(name.c_str() + colon + 1);
  if (port < 1 || port > 255) {
    base::log_error("verbs", "{}: ports have numbers from 1", string_view(name));
    return base::fail(Error::InvalidArgument);
  }
  context_.port = static_cast<std::uint8_t>(port);
  context_.device = open_by_name(device);
  if (context_.device == nullptr) return base::fail(Error::NoDevice);
  ibv_port_attr attributes{};
  ibv_device_attr limits{};
  if (ibv_query_port(context_.device, context_.port, &attributes) != 0 ||
      ibv_query_device(context_.device, &limits) != 0) {
    base::log_error("verbs", "{} has no port {}", string_view(device), port);
    return base::fail(Error::NoDevice);
  }
  if (attributes.state != IBV_PORT_ACTIVE) {
    base::log_error("verbs", "port {} of {} is not active ({}): is its link up?", port, string_view(device),
                    string_view(ibv_port_state_str(attributes.state)));
    return base::fail(Error::NotConnected);
  }
  context_.active_mtu = mtu_bytes(attributes.active_mtu);
  context_.max_responder_resources = static_cast<std::uint8_t>(std::clamp(limits.max_qp_rd_atom, 0, 255));
  context_.max_initiator_depth = static_cast<std::uint8_t>(std::clamp(limits.max_qp_init_rd_atom, 0, 255));
  TRY(find_address(device, address, attributes.link_layer == IBV_LINK_LAYER_ETHERNET));
  context_.completions = ibv_create_comp_channel(context_.device);
  if (context_.completions == nullptr) return base::fail(error_of(errno));
  for (const int fd : {completions_fd(), events_fd()}) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return {};
}

// On Ethernet the address must be in the port's GID table. On InfiniBand librdmacm finds the way, over IPoIB's address.
Result<> IbDevice::find_address(const std::string& name, const verbs::Gid& address, bool ethernet) {
  context_.address = address;
  if (!ethernet) return {};
  constexpr std::size_t most = 256;
  std::vector<ibv_gid_entry> entries(most);
  const ssize_t count = ibv_query_gid_table(context_.device, entries.data(), most, 0);
  for (ssize_t i = 0; i < count; ++i) {
    const ibv_gid_entry& entry = entries[static_cast<std::size_t>(i)];
    if (entry.port_num != context_.port || entry.gid_type != IBV_GID_TYPE_ROCE_V2 ||
        std::memcmp(entry.gid.raw, address.bytes.data(), address.bytes.size()) != 0) {
      continue;
    }
    context_.gid_index = static_cast<std::uint8_t>(entry.gid_index);
    context_.interface_index = entry.ndev_ifindex;
    return {};
  }
  base::log_error("verbs", "port {} of {} has no RoCEv2 GID {}: give its network device that address", context_.port,
                  string_view(name), string_view(text_of(address)));
  return base::fail(Error::NotFound);
}

IbDevice::~IbDevice() {
  if (context_.completions != nullptr) ibv_destroy_comp_channel(context_.completions);
  if (context_.device != nullptr) ibv_close_device(context_.device);
}

Result<base::Own<verbs::ProtectionDomain>> IbDevice::allocate_protection_domain() {
  ibv_pd* domain = ibv_alloc_pd(context_.device);
  if (domain == nullptr) return base::fail(error_of(errno));
  auto owned = base::make<IbProtectionDomain>(domain);
  if (!owned) {
    ibv_dealloc_pd(domain);
    return base::fail(Error::NoMemory);
  }
  return owned;
}

Result<base::Own<verbs::CompletionQueue>> IbDevice::create_completion_queue(std::uint32_t entries) {
  auto queue = TRY(base::try_make<IbCompletionQueue>(context_));
  TRY(queue->initialize(entries));
  return queue;
}

Result<base::Own<verbs::QueuePair>> IbDevice::create_queue_pair(verbs::ProtectionDomain& domain,
                                                                const verbs::QpInitAttributes& attributes) {
  if (attributes.type != verbs::QpType::ReliableConnected) return base::fail(Error::NotSupported);
  auto queue_pair = TRY(base::try_make<IbQueuePair>(context_));
  TRY(queue_pair->initialize(static_cast<IbProtectionDomain&>(domain).get(), attributes));
  return queue_pair;
}

void IbDevice::take_completions() {
  ibv_cq* queue = nullptr;
  void* owner = nullptr;
  while (ibv_get_cq_event(context_.completions, &queue, &owner) == 0) {
    ibv_ack_cq_events(queue, 1);
    static_cast<IbCompletionQueue*>(owner)->completion_event();
  }
}

bool IbDevice::take_events() {
  bool there = true;
  ibv_async_event event{};
  while (ibv_get_async_event(context_.device, &event) == 0) {
    base::log_info("verbs", "{}", string_view(ibv_event_type_str(event.event_type)));
    if (event.event_type == IBV_EVENT_DEVICE_FATAL) there = false;
    ibv_ack_async_event(&event);
  }
  return there;
}

}  // namespace ibverbs
