// SPDX-License-Identifier: Apache-2.0
// Calls of all shapes at random, with deadlines, abandoned calls and slow handlers; what goes wrong meanwhile is up to
// the test. A request that is not repeatable is executed at most once, and exactly once if it succeeded; answers are
// right; memory is touched neither before submit nor after released().
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "net/messages/file.h"
#include "net/messages/space.h"
#include "net/rpc/test_world.h"

namespace rpc::test {

inline constexpr std::size_t cell_bytes = 8192;
inline constexpr std::byte poison{0xee};

inline std::byte content(std::uint64_t seed, std::size_t offset) {
  return static_cast<std::byte>((seed * 0x9e3779b97f4a7c15 >> 32) + offset * 31 + offset / 256);
}

struct ChaosServer {
  explicit ChaosServer(Node& owner) : node(owner), memory(owner.allocate(64 * 4096)) {
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = content(i / 4096, i % 4096);
    owner.server.handle<messages::ObjectCreateRequest, &ChaosServer::create>(*this);
    owner.server.handle<messages::FileReadRequest, &ChaosServer::read>(*this);
    owner.server.handle<messages::PageFetchRequest, &ChaosServer::fetch>(*this);
    owner.server.handle<messages::FileWriteRequest, &ChaosServer::write>(*this);
    owner.serve();
  }
  std::uint64_t until() {
    const std::uint64_t most = node.world.random.below(8) == 0 ? 3 * base::second_ns : 5 * base::millisecond_ns;
    return node.loop.now_ns() + node.world.random.below(most);
  }

  base::Task<> create(ServerCall& call, messages::ObjectCreateRequest request) {
    ++executed[request.bytes];
    if (node.world.random.below(2) == 0) co_await base::Sleep(node.loop, until());
    co_return call.reply(messages::ObjectCreateReply{request.bytes + 1});
  }
  base::Task<> write(ServerCall& call, messages::FileWriteRequest request) {
    ++executed[request.file];
    if (node.world.random.below(2) == 0) co_await base::Sleep(node.loop, until());
    bool right = call.tail().size() == request.bytes;
    for (std::size_t i = 0; right && i < call.tail().size(); ++i) right = call.tail()[i] == content(request.file, i);
    wrong_tails += right ? 0 : 1;
    messages::FileAttributesReply reply;
    reply.attributes.size = request.file.get();
    const Result<> answered = call.reply(reply);
    if (node.world.random.below(4) == 0) co_await base::Sleep(node.loop, until());  // it may tidy up for a while
    co_return answered;
  }
  base::Task<> read(ServerCall& call, messages::FileReadRequest request) {
    if (node.world.random.below(2) == 0) co_await base::Sleep(node.loop, until());
    const std::vector<verbs::Sge> spans = {
        *node.slabs.local(memory.subspan(request.offset, request.bytes / 2)),
        *node.slabs.local(memory.subspan(request.offset + request.bytes / 2, request.bytes - request.bytes / 2))};
    messages::FileReadReply reply;
    reply.bytes = request.bytes.get();
    co_return co_await call.reply_bulk(reply, spans);
  }
  base::Task<> fetch(ServerCall& call, messages::PageFetchRequest request) {
    if (node.world.random.below(2) == 0) co_await base::Sleep(node.loop, until());
    co_return co_await call.reply_page(*node.slabs.local(memory.subspan(request.tag.page * 4096, 4096)));
  }

  Node& node;
  std::span<std::byte> memory;
  std::map<std::uint64_t, int> executed;
  int wrong_tails = 0;
};

// One client: a number of cells, each a piece of memory with at most one call.
struct ChaosClient {
  struct Cell {
    std::span<std::byte> memory;
    verbs::Sge piece;
    std::unique_ptr<TestCall> call;
    std::uint64_t token = 0;
    std::function<void()> check;
    bool abandoned = false;
  };

  ChaosClient(Node& owner, ChaosServer& target, std::size_t count)
      : node(owner), server(target), peer(owner.peer(target.node)), cells(count) {
    for (Cell& cell : cells) {
      cell.memory = node.allocate(cell_bytes);
      std::ranges::fill(cell.memory, poison);
    }
  }
  base::Random& random() { return node.world.random; }

  void act() {
    Cell& cell = cells[random().below(cells.size())];
    if (cell.call == nullptr) {
      start(cell);
    } else if (cell.call->free) {
      end(cell);
    } else if (!cell.call->done && random().below(200) == 0) {
      cell.abandoned = true;
      peer.abandon(*cell.call);
    }
  }

  void start(Cell& cell) {
    expect_poison(cell, 0);
    cell.token = ++tokens * 8 + node.number;
    cell.abandoned = false;
    cell.check = nullptr;
    switch (random().below(4)) {
      case 0:
        create(cell);
        break;
      case 1:
        fetch(cell);
        break;
      case 2:
        read(cell);
        break;
      default:
        write(cell);
        break;
    }
    CallRequest& request = cell.call->request;
    if (random().below(3) == 0) request.deadline_ns = node.loop.now_ns() + random().below(2 * base::second_ns);
    request.lateness = random().below(4) == 0 ? Lateness::Fence : Lateness::Leave;
    request.priority = static_cast<Priority>(random().below(3));
    peer.submit(*cell.call);
    ++started;
  }

  void create(Cell& cell) {
    messages::ObjectCreateRequest body;
    body.bytes = cell.token;
    cell.call = std::make_unique<TestCall>(body);
    cell.check = [this, &cell] {
      EXPECT_EQ(cell.call->reply.as<messages::ObjectCreateReply>()->object, cell.token + 1);
      EXPECT_EQ(server.executed[cell.token], 1);
    };
  }
  void fetch(Cell& cell) {
    messages::PageFetchRequest body;
    body.tag.id = 1;
    body.tag.page = random().below(64);
    cell.call = std::make_unique<TestCall>(body);
    cell.call->request.bulk = *node.slabs.remote(cell.memory.first(4096));
    cell.check = [this, &cell, page = body.tag.page.get()] {
      bool right = true;
      for (std::size_t i = 0; i < 4096; ++i) right &= cell.memory[i] == content(page, i);
      EXPECT_TRUE(right) << "a fetched page";
      expect_poison(cell, 4096);
    };
  }
  void read(Cell& cell) {
    messages::FileReadRequest body;
    body.file = 1;
    body.offset = random().below(1000);
    body.bytes = static_cast<std::uint32_t>(1 + random().below(cell_bytes));
    cell.call = std::make_unique<TestCall>(body);
    cell.call->request.bulk = *node.slabs.remote(cell.memory);
    cell.check = [this, &cell, offset = body.offset.get(), bytes = body.bytes.get()] {
      EXPECT_TRUE(std::equal(cell.memory.begin(), cell.memory.begin() + bytes,
                             server.memory.begin() + static_cast<std::ptrdiff_t>(offset)));
      expect_poison(cell, bytes);
    };
  }
  void write(Cell& cell) {
    messages::FileWriteRequest body;
    body.file = cell.token;
    body.bytes = static_cast<std::uint32_t>(1 + random().below(cell_bytes));
    cell.call = std::make_unique<TestCall>(body);
    for (std::size_t i = 0; i < body.bytes; ++i) cell.memory[i] = content(cell.token, i);
    cell.piece = *node.slabs.local(cell.memory.first(body.bytes));
    cell.call->request.tail = std::span(&cell.piece, 1);
    cell.check = [this, &cell] {
      EXPECT_EQ(cell.call->reply.as<messages::FileAttributesReply>()->attributes.size, cell.token);
      EXPECT_EQ(server.executed[cell.token], 1);
    };
  }

  void end(Cell& cell) {
    const Error error = cell.call->error;
    if (error == Error::None) {
      ++succeeded;
      cell.check();
    } else {
      ++failed;
      EXPECT_TRUE(error == Error::TimedOut || (error == Error::Interrupted && cell.abandoned)) << error_name(error);
      EXPECT_LE(server.executed[cell.token], 1);
    }
    cell.call.reset();
    std::ranges::fill(cell.memory, poison);
  }

  void expect_poison(Cell& cell, std::size_t from) {
    const auto rest = cell.memory.subspan(from);
    EXPECT_TRUE(std::ranges::all_of(rest, [](std::byte value) { return value == poison; }))
        << "memory was written to by nobody's request";
  }

  Node& node;
  ChaosServer& server;
  Peer& peer;
  std::vector<Cell> cells;
  std::uint64_t tokens = 0;
  int started = 0;
  int succeeded = 0;
  int failed = 0;
};

// Ends what every client has under way, and holds it against the rules.
inline void finish(World& world, ChaosServer& server, std::initializer_list<ChaosClient*> clients) {
  for (ChaosClient* client : clients) {
    for (auto& cell : client->cells) {
      if (cell.call == nullptr) continue;
      // Replies that are held keep slots: end what is free until all is.
      ASSERT_TRUE(world.run([&] {
        for (auto& other : client->cells) {
          if (other.call != nullptr && other.call->free && &other != &cell) client->end(other);
        }
        return cell.call->free;
      })) << "a call that never ends";
      client->end(cell);
    }
  }
  world.run_for(10 * base::second_ns);
  for (ChaosClient* client : clients) {
    for (auto& cell : client->cells) client->expect_poison(cell, 0);
    EXPECT_GT(client->succeeded, 50);
    EXPECT_EQ(client->node.statistics.traffic.malformed_replies, 0u);
  }
  EXPECT_EQ(server.wrong_tails, 0);
  EXPECT_EQ(server.node.statistics.traffic.malformed_requests, 0u);
}

}  // namespace rpc::test
