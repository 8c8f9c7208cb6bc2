// SPDX-License-Identifier: Apache-2.0
// The block driver against a fake disk that keeps its sectors in memory and can be made to misbehave.
#include "kernel/virtio/block.h"

#include <gtest/gtest.h>

#include "kernel/base/endian.h"
#include "kernel/base/random.h"
#include "kernel/virtio/fake_device.h"

namespace virtio {
namespace {

using base::Error;
using blockdev::Operation;
using Bytes = std::vector<std::byte>;

struct TestRequest final : blockdev::Request {
  void completed(base::Result<> outcome) override {
    ++completions;
    result = outcome;
  }
  static TestRequest read(std::uint64_t sector, std::vector<std::span<std::byte>> into) {
    TestRequest request;
    request.first_sector = sector;
    request.into = std::move(into);
    request.read_into = request.into;
    return request;
  }
  static TestRequest write(std::uint64_t sector, std::vector<std::span<const std::byte>> from) {
    TestRequest request;
    request.operation = Operation::Write;
    request.first_sector = sector;
    request.from = std::move(from);
    request.write_from = request.from;
    return request;
  }
  static TestRequest flush() {
    TestRequest request;
    request.operation = Operation::Flush;
    return request;
  }
  std::vector<std::span<std::byte>> into;
  std::vector<std::span<const std::byte>> from;
  unsigned completions = 0;
  base::Result<> result;
};

struct Wakes : device::InterruptHandler, blockdev::SubmitSpace {
  void interrupt() override { ++interrupts; }
  void submit_space_available() override { ++spaces; }
  unsigned interrupts = 0, spaces = 0;
};

class BlockTest : public testing::Test {
 protected:
  void SetUp() override {
    fake.features = common_features | BlockConfig::flush | BlockConfig::seg_max;
    fake.queue_sizes = {128};
    fake.config.resize(60);
    fake.set_config<std::uint64_t>(0, disk.size() / 512);
    fake.set_config<std::uint32_t>(12, 126);
  }
  void start() {
    auto made = create();
    ASSERT_TRUE(made) << base::error_name(made.error());
    block = std::move(*made);
    block->set_interrupt_handler(wakes);
    block->set_submit_space(wakes);
  }
  base::Result<base::Own<VirtioBlock>> create() { return VirtioBlock::create(base::make<FakeTransport>(fake), memory); }
  // The device works through everything that was submitted.
  void serve() {
    while (auto chain = fake.queues[0].pop()) {
      const std::uint32_t written = execute(*chain);
      fake.queues[0].push(chain->id, written);
    }
    fake.signal(0);
  }
  std::uint32_t execute(const FakeQueue::Chain& chain) {
    const Bytes request = chain.read_all();
    base::le32 type;
    base::le64 sector;
    std::memcpy(&type, request.data(), 4);
    std::memcpy(&sector, request.data() + 8, 8);
    types.push_back(type);
    chain.writes.back().back() = static_cast<std::byte>(answer);
    if (answer != 0) return 1;
    if (type == 0) return chain.write(std::span(disk).subspan(sector * 512, chain.writable() - 1)) + 1;
    if (type == 1) std::memcpy(disk.data() + sector * 512, request.data() + 16, request.size() - 16);
    if (type == 11) {
      base::le64 first;
      base::le32 count;
      std::memcpy(&first, request.data() + 16, 8);
      std::memcpy(&count, request.data() + 24, 4);
      std::memset(disk.data() + first * 512, 0, count * 512);
    }
    return 1;
  }
  void finish(TestRequest& request) {
    ASSERT_TRUE(block->submit(request));
    serve();
    ASSERT_GT(block->poll(10), 0u);
    ASSERT_EQ(request.completions, 1u);
  }

  Bytes disk = Bytes(1 << 20);
  FakeDevice fake;
  FakeMemory memory;
  Wakes wakes;
  base::Own<VirtioBlock> block;
  std::vector<std::uint32_t> types;
  std::uint8_t answer = 0;
};

TEST_F(BlockTest, WritesAndReadsScattered) {
  start();
  Bytes out(4096), in(4096);
  base::Random random(7);
  for (auto& byte : out) byte = static_cast<std::byte>(random.next());
  auto write = TestRequest::write(24, {std::span(out).first(100), std::span(out).subspan(100)});
  finish(write);
  EXPECT_TRUE(write.result);
  EXPECT_EQ(std::memcmp(disk.data() + 24 * 512, out.data(), 4096), 0);
  auto read = TestRequest::read(24, {std::span(in).first(512), std::span(in).subspan(512)});
  finish(read);
  EXPECT_EQ(in, out);
  const auto counters = block->counters();
  EXPECT_EQ(counters.reads, 1u);
  EXPECT_EQ(counters.read_bytes, 4096u);
  EXPECT_EQ(counters.writes, 1u);
  EXPECT_EQ(counters.written_bytes, 4096u);
}

TEST_F(BlockTest, FlushReachesTheDevice) {
  start();
  EXPECT_TRUE(block->geometry().write_cache);
  auto flush = TestRequest::flush();
  finish(flush);
  EXPECT_TRUE(flush.result);
  EXPECT_EQ(types, std::vector<std::uint32_t>{4});
  EXPECT_EQ(block->counters().flushes, 1u);
}

TEST_F(BlockTest, FlushWithoutACacheStillCompletes) {
  fake.features &= ~BlockConfig::flush;
  start();
  EXPECT_FALSE(block->geometry().write_cache);
  answer = 2;  // whatever it says to the request made instead
  auto flush = TestRequest::flush();
  finish(flush);
  EXPECT_TRUE(flush.result);
  EXPECT_NE(types.at(0), 4u);
}

TEST_F(BlockTest, WriteThroughModeIsRecognised) {
  fake.features |= BlockConfig::config_write_cache;
  fake.set_config<std::uint8_t>(32, 0);
  start();
  EXPECT_FALSE(block->geometry().write_cache);
  fake.set_config<std::uint8_t>(32, 1);
  EXPECT_TRUE((*create())->geometry().write_cache);
}

TEST_F(BlockTest, ManyInFlightCompleteInAnyOrder) {
  start();
  std::vector<Bytes> buffers(30, Bytes(512));
  std::vector<TestRequest> requests;
  for (std::size_t i = 0; i < 30; ++i) {
    disk[i * 512] = static_cast<std::byte>(i);
    requests.push_back(TestRequest::read(i, {std::span(buffers[i])}));
  }
  for (auto& request : requests) ASSERT_TRUE(block->submit(request));
  std::vector<FakeQueue::Chain> chains;
  while (auto chain = fake.queues[0].pop()) chains.push_back(*chain);
  ASSERT_EQ(chains.size(), 30u);
  while (!chains.empty()) {
    fake.queues[0].push(chains.back().id, execute(chains.back()));
    chains.pop_back();
  }
  EXPECT_EQ(block->poll(20), 20u);
  EXPECT_EQ(block->poll(20), 10u);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(requests[i].completions, 1u);
    EXPECT_EQ(buffers[i][0], static_cast<std::byte>(i));
  }
}

TEST_F(BlockTest, FullQueuePushesBackAndTells) {
  fake.features &= ~feature_indirect_descriptors;
  start();
  Bytes buffer(512);
  std::vector<TestRequest> requests(60);
  for (auto& request : requests) request = TestRequest::read(0, {std::span(buffer)});
  std::size_t taken = 0;
  while (block->submit(requests[taken])) ++taken;
  EXPECT_EQ(taken, 42u);
  EXPECT_EQ(block->submit(requests[taken]).error(), Error::Again);
  EXPECT_TRUE(block->arm());
  serve();
  EXPECT_EQ(wakes.interrupts, 1u);
  (void)block->poll(100);
  EXPECT_EQ(wakes.spaces, 1u);
  EXPECT_TRUE(block->submit(requests[taken]));
  EXPECT_EQ(block->counters().queue_full, 2u);
  serve();
  (void)block->poll(100);
}

TEST_F(BlockTest, ErrorsOfTheDevice) {
  start();
  Bytes buffer(512);
  auto read = TestRequest::read(0, {std::span(buffer)});
  answer = 1;
  finish(read);
  EXPECT_EQ(read.result.error(), Error::IoError);
  auto again = TestRequest::read(0, {std::span(buffer)});
  answer = 2;
  finish(again);
  EXPECT_EQ(again.result.error(), Error::NotSupported);
  auto third = TestRequest::read(0, {std::span(buffer)});
  answer = 77;
  finish(third);
  EXPECT_EQ(third.result.error(), Error::IoError);
  EXPECT_EQ(block->counters().failed_requests, 3u);
  EXPECT_EQ(block->counters().device_errors, 1u);
}

TEST_F(BlockTest, RequestsThatMakeNoSense) {
  fake.features |= BlockConfig::block_size;
  fake.set_config<std::uint32_t>(20, 4096);
  start();
  EXPECT_EQ(block->geometry().block_bytes, 4096u);
  EXPECT_EQ(block->geometry().capacity_bytes, disk.size());
  Bytes buffer(8192);
  const auto refused = [&](TestRequest request) { return block->submit(request).error(); };
  EXPECT_EQ(refused(TestRequest::read(0, {std::span(buffer).first(512)})), Error::InvalidArgument);
  EXPECT_EQ(refused(TestRequest::read(1, {std::span(buffer).first(4096)})), Error::InvalidArgument);
  EXPECT_EQ(refused(TestRequest::read(0, {})), Error::InvalidArgument);
  EXPECT_EQ(refused(TestRequest::read(2048, {std::span(buffer).first(4096)})), Error::OutOfRange);
  EXPECT_EQ(refused(TestRequest::read(2040, {std::span(buffer)})), Error::OutOfRange);
  EXPECT_EQ(refused(TestRequest::read(~std::uint64_t{7}, {std::span(buffer)})), Error::OutOfRange);
  EXPECT_EQ(refused(TestRequest::read(0, std::vector<std::span<std::byte>>(127, std::span(buffer)))),
            Error::InvalidArgument);
  TestRequest discard;
  discard.operation = Operation::Discard;
  discard.discard_sectors = 8;
  EXPECT_EQ(refused(discard), Error::NotSupported);
  EXPECT_EQ(fake.notifications[0], 0u);
  auto good = TestRequest::read(2040, {std::span(buffer).first(4096)});
  finish(good);
}

TEST_F(BlockTest, ReadOnlyDisk) {
  fake.features |= BlockConfig::read_only;
  start();
  EXPECT_TRUE(block->geometry().read_only);
  Bytes buffer(512);
  auto write = TestRequest::write(0, {std::span(buffer)});
  EXPECT_EQ(block->submit(write).error(), Error::ReadOnly);
}

TEST_F(BlockTest, DiscardZeroes) {
  fake.features |= BlockConfig::discard;
  fake.set_config<std::uint32_t>(36, 64);
  start();
  EXPECT_TRUE(block->geometry().can_discard);
  disk[512 * 8] = std::byte{1};
  TestRequest discard;
  discard.operation = Operation::Discard;
  discard.first_sector = 8;
  discard.discard_sectors = 8;
  finish(discard);
  EXPECT_EQ(disk[512 * 8], std::byte{0});
  discard.discard_sectors = 65;
  EXPECT_EQ(block->submit(discard).error(), Error::InvalidArgument);
}

TEST_F(BlockTest, LongSegmentsAreCutAtTheDevicesMaximum) {
  fake.features |= BlockConfig::size_max;
  fake.set_config<std::uint32_t>(8, 1024);
  start();
  Bytes buffer(4096);
  disk[3 * 1024] = std::byte{42};
  auto read = TestRequest::read(0, {std::span(buffer)});
  ASSERT_TRUE(block->submit(read));
  const auto chain = fake.queues[0].pop();
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->writes.size(), 5u);
  fake.queues[0].push(chain->id, execute(*chain));
  (void)block->poll(10);
  EXPECT_EQ(buffer[3 * 1024], std::byte{42});
  Bytes large(130 * 1024);
  auto too_many = TestRequest::read(0, {std::span(large)});
  EXPECT_EQ(block->submit(too_many).error(), Error::InvalidArgument);
}

TEST_F(BlockTest, SleepsAndWakes) {
  start();
  EXPECT_TRUE(block->arm());
  Bytes buffer(512);
  auto read = TestRequest::read(0, {std::span(buffer)});
  ASSERT_TRUE(block->submit(read));
  serve();
  EXPECT_EQ(wakes.interrupts, 1u);
  EXPECT_FALSE(block->arm());
  EXPECT_EQ(block->poll(10), 1u);
  EXPECT_TRUE(block->arm());
}

TEST_F(BlockTest, BrokenQueueEndsTheDeviceAndAllRequests) {
  start();
  Bytes buffer(512);
  std::vector<TestRequest> requests(3);
  for (auto& request : requests) {
    request = TestRequest::read(0, {std::span(buffer)});
    ASSERT_TRUE(block->submit(request));
  }
  fake.queues[0].push_raw({4711, 1});
  EXPECT_FALSE(block->arm());
  EXPECT_EQ(block->poll(100), 3u);
  for (auto& request : requests) {
    EXPECT_EQ(request.completions, 1u);
    EXPECT_EQ(request.result.error(), Error::NoDevice);
  }
  EXPECT_EQ(fake.status_now, 0);
  EXPECT_EQ(block->submit(requests[0]).error(), Error::NoDevice);
  EXPECT_EQ(block->counters().device_errors, 1u);
  EXPECT_TRUE(block->arm());
}

TEST_F(BlockTest, TooLongALengthEndsTheDevice) {
  start();
  Bytes buffer(512);
  auto read = TestRequest::read(0, {std::span(buffer)});
  ASSERT_TRUE(block->submit(read));
  fake.queues[0].push(fake.queues[0].pop()->id, 514);
  (void)block->poll(100);
  EXPECT_EQ(read.result.error(), Error::NoDevice);
}

TEST_F(BlockTest, ConfigurationsThatMakeNoSense) {
  fake.features |= BlockConfig::block_size;
  for (std::uint32_t bytes : {0u, 256u, 513u, 8192u}) {
    fake.set_config<std::uint32_t>(20, bytes);
    EXPECT_EQ(create().error(), Error::Malformed);
  }
  fake.set_config<std::uint32_t>(20, 512);
  fake.set_config<std::uint64_t>(0, ~std::uint64_t{0});
  EXPECT_EQ(create().error(), Error::Malformed);
  fake.set_config<std::uint64_t>(0, 16);
  fake.set_config<std::uint32_t>(12, 0);
  EXPECT_EQ(create().error(), Error::Malformed);
  fake.set_config<std::uint32_t>(12, 10);
  EXPECT_EQ((*create())->geometry().max_segments, 10u);
  fake.queue_sizes = {2};
  EXPECT_EQ(create().error(), Error::NotSupported);
}

}  // namespace
}  // namespace virtio
