// SPDX-License-Identifier: Apache-2.0
#include "net/rpc/statistics.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "net/rpc/await.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/json_counters.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/server.h"
#include "net/rpc/waited_call.h"

namespace rpc {
namespace {

struct Collected final : CounterSink {
  std::map<std::string, std::uint64_t> counters;
  void counter(std::string_view name, std::uint64_t value) override { counters.emplace(name, value); }
};

TEST(Histogram, PercentilesAreWithinHalfAnOctave) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile_ns(50), 0u);
  for (std::uint64_t i = 1; i <= 1000; ++i) histogram.add(i * 1000);
  for (const std::uint32_t percent : {1u, 50u, 99u, 100u}) {
    const std::uint64_t exact = percent * 10000;
    EXPECT_GE(histogram.percentile_ns(percent), exact) << percent;
    EXPECT_LE(histogram.percentile_ns(percent), exact * 3 / 2 + 1) << percent;
  }
}

TEST(Histogram, TakesExtremes) {
  Histogram histogram;
  histogram.add(0);
  EXPECT_EQ(histogram.percentile_ns(50), 256u);
  histogram.add(~std::uint64_t{0});
  EXPECT_GT(histogram.percentile_ns(99), 60'000'000'000u);
}

TEST(Statistics, NamesFollowTheOperation) {
  Statistics statistics;
  const auto fetch = static_cast<std::uint16_t>(messages::Operation::PageFetch);
  const auto read = static_cast<std::uint16_t>(messages::Operation::FileRead);
  statistics.serves(read);
  statistics.made(fetch)->count = 3;
  statistics.made(read)->count = 4;
  statistics.served(read)->count = 5;
  EXPECT_EQ(statistics.made(7), nullptr);
  EXPECT_EQ(statistics.served(60000), nullptr);
  Collected collected;
  statistics.report(collected);
  EXPECT_EQ(collected.counters.at("rpc.PageFetch.count"), 3u);
  EXPECT_EQ(collected.counters.at("rpc_made.FileRead.count"), 4u);
  EXPECT_EQ(collected.counters.at("rpc.FileRead.count"), 5u);
  EXPECT_FALSE(collected.counters.contains("rpc.Join.count"));
}

std::string json(std::initializer_list<std::pair<const char*, std::uint64_t>> counters, std::size_t room = 1000) {
  std::string text(room, '?');
  JsonCounters sink{std::span(text)};
  for (const auto& [name, value] : counters) sink.counter(name, value);
  const std::size_t total = sink.finish();
  if (total < room) text.resize(total);
  return text;
}

TEST(JsonCounters, NestByDots) {
  EXPECT_EQ(json({}), "{}");
  EXPECT_EQ(json({{"a", 1}}), R"({"a":1})");
  EXPECT_EQ(json({{"a.b", 1}, {"a.c", 2}, {"d", 18446744073709551615u}}),
            R"({"a":{"b":1,"c":2},"d":18446744073709551615})");
  EXPECT_EQ(json({{"rpc.Join.count", 1}, {"rpc.Join.errors", 0}, {"rpc.Leave.count", 3}, {"rp.x", 4}, {"rpc2", 5}}),
            R"({"rpc":{"Join":{"count":1,"errors":0},"Leave":{"count":3}},"rp":{"x":4},"rpc2":5})");
  EXPECT_EQ(json({{"a.b.c.d", 1}, {"a.x", 2}}), R"({"a":{"b":{"c":{"d":1}},"x":2}})");
}

TEST(JsonCounters, AreCutWhereTheBufferEnds) { EXPECT_EQ(json({{"abc", 12345}}, 8), R"({"abc":1)"); }

}  // namespace
}  // namespace rpc
