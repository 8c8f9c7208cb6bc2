// SPDX-License-Identifier: Apache-2.0
// The service on one engine and its users on another, over a simulated wire.
#include "net/exported_memory/export_service.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "kernel/base/types.h"
#include "net/roce/testing/endpoint.h"

namespace exported_memory {
namespace {

using roce::testing::Endpoint;
using verbs::CompletionStatus;
using verbs::Opcode;

// A connection of a user, with a page of its own.
struct User final : verbs::ConnectionEvents {
  explicit User(roce::testing::Node& node) : end(node, base::page_bytes) {}
  void established(verbs::Connection&, std::span<const std::byte> data) override {
    ASSERT_GE(data.size(), sizeof memory);
    std::memcpy(static_cast<void*>(&memory), data.data(), sizeof memory);
    connected = true;
  }
  void rejected(verbs::Connection&, verbs::RejectReason, std::span<const std::byte>) override { ended = true; }
  void disconnected(verbs::Connection&) override { ended = true; }

  Endpoint end;
  base::Own<verbs::Connection> connection;
  Export memory;
  bool connected = false;
  bool ended = false;
};

class ExportServiceTest : public testing::Test {
 protected:
  ExportServiceTest()
      : wire(7),
        component(wire.add()),
        linux(wire.add()),
        loop(wire.clock),
        domain(std::move(component.engine().device().allocate_protection_domain().value())),
        memory(3 * base::page_bytes) {
    service = std::make_unique<ExportService>(loop, lock, component.engine().device(), *domain,
                                              component.engine().connections());
    EXPECT_TRUE(service->start(memory));
  }
  ~ExportServiceTest() override { service.reset(); }

  bool run_until(const std::function<bool()>& done) {
    for (unsigned steps = 0; steps < 1'000'000; ++steps) {
      if (done()) return true;
      loop.run_ready();
      if (!wire.step() && loop.idle()) return done();
    }
    return false;
  }
  std::unique_ptr<User> connect() {
    auto user = std::make_unique<User>(linux);
    auto connection = linux.engine().connections().connect(*user->end.queue_pair, verbs::Access::None, component.gid(),
                                                           port, *user, {});
    EXPECT_TRUE(connection);
    user->connection = std::move(*connection);
    EXPECT_TRUE(run_until([&] { return user->connected || user->ended; }));
    return user;
  }
  CompletionStatus access(User& user, Opcode opcode, std::uint64_t offset, std::uint32_t key) {
    EXPECT_TRUE(user.end.post(1, opcode, 0, base::page_bytes, user.memory.address + offset, key));
    EXPECT_TRUE(run_until([&] { return user.end.completed() > 0; }));
    const CompletionStatus status = user.end.done.at(0).status;
    user.end.done.clear();
    return status;
  }

  roce::testing::World wire;
  roce::testing::Node& component;
  roce::testing::Node& linux;
  base::EventLoop loop;
  base::SpinLock lock{base::LockRank::Rpc};
  base::Own<verbs::ProtectionDomain> domain;
  std::vector<std::byte> memory;
  std::unique_ptr<ExportService> service;
};

TEST_F(ExportServiceTest, GivesKeysThatWork) {
  const auto user = connect();
  ASSERT_TRUE(user->connected);
  EXPECT_EQ(user->memory.magic_number, magic);
  EXPECT_EQ(user->memory.bytes, memory.size());
  user->end.fill(1);
  EXPECT_EQ(access(*user, Opcode::RdmaWrite, base::page_bytes, user->memory.key), CompletionStatus::Success);
  EXPECT_EQ(std::memcmp(memory.data() + base::page_bytes, user->end.memory.data(), base::page_bytes), 0);
  EXPECT_EQ(access(*user, Opcode::RdmaRead, 0, user->memory.read_only_key), CompletionStatus::Success);
  EXPECT_EQ(std::memcmp(memory.data(), user->end.memory.data(), base::page_bytes), 0);
}

TEST_F(ExportServiceTest, RefusesEverythingElse) {
  const std::vector<std::byte> before = memory;
  const auto refused = [this](Opcode opcode, std::uint64_t offset, base::le32 Export::*key) {
    const auto user = connect();
    EXPECT_EQ(access(*user, opcode, offset, user->memory.*key), CompletionStatus::RemoteAccessError);
  };
  refused(Opcode::RdmaRead, memory.size() - 1, &Export::key);
  refused(Opcode::RdmaWrite, memory.size() - 1, &Export::key);
  refused(Opcode::RdmaWrite, -std::uint64_t{1}, &Export::key);
  refused(Opcode::RdmaWrite, 0, &Export::read_only_key);
  refused(Opcode::RdmaWrite, 0, &Export::stale_key);
  refused(Opcode::RdmaRead, 0, &Export::stale_key);
  EXPECT_EQ(memory, before);
}

TEST_F(ExportServiceTest, LetsTheOldestGoForANewOne) {
  std::vector<std::unique_ptr<User>> users;
  for (std::size_t i = 0; i < ExportService::max_guests + 3; ++i) {
    users.push_back(connect());
    EXPECT_TRUE(users.back()->connected) << i;
  }
  EXPECT_TRUE(run_until([&] { return users[2]->ended; }));
  EXPECT_FALSE(users[3]->ended);
  EXPECT_EQ(access(*users.back(), Opcode::RdmaRead, 0, users.back()->memory.key), CompletionStatus::Success);
}

}  // namespace
}  // namespace exported_memory
