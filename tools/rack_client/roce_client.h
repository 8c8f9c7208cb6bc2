// SPDX-License-Identifier: Apache-2.0
// The RackClient over the virtual Ethernet: a member of the rack like any component (net/membership), with software
// RoCEv2 on a port of the switch. Members below are in the order in which they are made; they go in the reverse.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "net/linux_node/linux_node.h"
#include "net/linux_node/switch_fabric.h"
#include "net/membership/member.h"
#include "net/messages/managers.h"
#include "tools/rack_client/program_link.h"
#include "tools/rack_client/rack_client.h"

namespace rack_client {

struct ClientConfig {
  linux_node::SwitchConfig node;
  std::string name;
  std::uint32_t managers_ip = 0;
  membership::RackKey key;
};

class RoceClient final : public RackClient, private membership::MemberObserver {
 public:
  // `lost` is called when the rack cannot be used any more: the switch or the managers are gone, or refuse us.
  static base::Result<std::unique_ptr<RoceClient>> create(poll_loop::PollLoop& loop, const ClientConfig& config,
                                                          std::function<void(std::string)> lost);
  ~RoceClient() override;

  base::Task<std::vector<std::string>> wait_for_members(std::vector<std::string> names,
                                                        std::uint64_t deadline_ns) override;
  base::Task<> start_program(ProgramSpec spec) override;
  console::ConsoleLink& console() override { return *link_; }
  void attach(console::ConsoleSession& session, std::function<void(base::Error)> lost) override {
    link_->attach(session, std::move(lost));
  }
  base::Task<> release_program() override;
  base::Task<std::map<std::string, std::string>> read_stats() override;
  base::Task<> destroy_vnode() override;
  base::Task<> leave() override;

 private:
  RoceClient(poll_loop::PollLoop& loop, std::function<void(std::string)> lost) : loop_(loop), lost_(std::move(lost)) {}
  base::Result<> join(const ClientConfig& config);

  base::EventLoop& events() { return loop_.loop(); }
  base::Task<std::vector<messages::NodeEntry>> list_nodes();
  base::Task<> create_vnode(std::string hostname, std::string root);
  base::Task<> assign_launch();
  base::Task<> send_program(ProgramSpec spec);
  base::Task<std::string> read_counters(rpc::Peer& peer);

  membership::Load load() override { return {}; }
  void joined() override {}
  void refused(base::Error error) override;
  void lease_lost() override { lost_("the managers gave this client up"); }
  void node_died(const messages::NodeEntry& node) override;

  poll_loop::PollLoop& loop_;
  std::function<void(std::string)> lost_;
  linux_node::GetRandom entropy_;
  std::unique_ptr<membership::Member> member_;
  std::unique_ptr<linux_node::LinuxNode> node_;
  std::unique_ptr<RegisteredBuffer> bulk_;   // what a reply brings
  std::unique_ptr<RegisteredBuffer> input_;  // what a request carries
  base::VNodeId vnode_;
  base::NodeId home_memory_;
  base::NodeId storage_;
  base::LaunchId launch_;
  rpc::Peer* processor_ = nullptr;
  std::optional<ProgramLink> link_;
};

}  // namespace rack_client
