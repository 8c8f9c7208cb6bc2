// SPDX-License-Identifier: Apache-2.0
// Frames must come out as they went in, however the stream is cut, and bad lengths must not bring it out of step.
#include "net/ether_socket/frame_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "kernel/base/endian.h"
#include "kernel/base/random.h"

namespace ether_socket {
namespace {

using Bytes = std::vector<std::byte>;

Bytes random_frame(base::Random& random, std::size_t length) {
  Bytes frame(length);
  for (auto& byte : frame) byte = static_cast<std::byte>(random.next());
  return frame;
}

base::Result<> push(FrameWriter& writer, const Bytes& frame) {
  const std::span<const std::byte> parts[] = {std::span(frame).first(7), std::span(frame).subspan(7)};
  return writer.push(parts);
}

// Moves up to `most` bytes from the writer to the reader.
void move_bytes(FrameWriter& writer, FrameReader& reader, std::size_t most) {
  const auto space = reader.space();
  const auto bytes = writer.front();
  const std::size_t count = std::min({most, space.size(), bytes.size()});
  std::copy_n(bytes.begin(), count, space.begin());
  reader.commit(count);
  writer.consume(count);
}

TEST(FrameStream, FramesSurviveAnyCut) {
  base::Random random(42);
  FrameWriter writer(1 << 20);
  FrameReader reader;
  std::vector<Bytes> sent;
  std::size_t received = 0;
  while (received < 2000) {
    if (sent.size() < 2000 && random.chance(400000)) {
      sent.push_back(random_frame(random, min_frame_bytes + random.below(max_frame_bytes - min_frame_bytes + 1)));
      ASSERT_TRUE(push(writer, sent.back()));
    }
    move_bytes(writer, reader, 1 + random.below(random.chance(500000) ? 5 : 40000));
    for (;;) {
      const auto next = reader.next();
      ASSERT_TRUE(next);
      if (!*next) break;
      ASSERT_LT(received, sent.size());
      ASSERT_TRUE(std::ranges::equal(**next, sent[received]));
      ++received;
    }
  }
  EXPECT_EQ(reader.bad_frames(), 0u);
  EXPECT_TRUE(writer.empty());
}

void feed(FrameReader& reader, const Bytes& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto space = reader.space();
    const std::size_t count = std::min(space.size(), bytes.size() - done);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), count, space.begin());
    reader.commit(count);
    done += count;
    if (done < bytes.size()) {
      ASSERT_FALSE(reader.next()->has_value());
    }
  }
}

Bytes with_length(std::size_t length) {
  Bytes bytes(length_bytes + length);
  const base::be32 prefix(static_cast<std::uint32_t>(length));
  std::memcpy(bytes.data(), &prefix, sizeof(prefix));
  return bytes;
}

TEST(FrameStream, LeavesOutFramesOfImpossibleLength) {
  FrameReader reader;
  Bytes stream;
  for (const std::size_t length : {std::size_t{0}, std::size_t{13}, max_frame_bytes + 1, max_length}) {
    const Bytes bad = with_length(length);
    stream.insert(stream.end(), bad.begin(), bad.end());
  }
  const Bytes good = with_length(60);
  stream.insert(stream.end(), good.begin(), good.end());
  feed(reader, stream);
  const auto next = reader.next();
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->size(), 60u);
  EXPECT_EQ(reader.bad_frames(), 4u);
}

TEST(FrameStream, SaysWhenTheStreamIsOutOfStep) {
  FrameReader reader;
  feed(reader, Bytes(4, std::byte{0xff}));
  EXPECT_EQ(reader.next().error(), base::Error::Malformed);
}

TEST(FrameStream, WriterIsBounded) {
  FrameWriter writer(10000);
  const Bytes frame(4000);
  EXPECT_TRUE(push(writer, frame));
  EXPECT_TRUE(push(writer, frame));
  EXPECT_EQ(push(writer, frame).error(), base::Error::Exhausted);
  EXPECT_EQ(writer.dropped(), 1u);
  EXPECT_EQ(writer.waiting_bytes(), 2 * 4004u);
  writer.consume(4004);
  EXPECT_TRUE(push(writer, frame));
  EXPECT_EQ(push(writer, Bytes(13)).error(), base::Error::InvalidArgument);
  EXPECT_EQ(push(writer, Bytes(max_frame_bytes + 1)).error(), base::Error::InvalidArgument);
}

}  // namespace
}  // namespace ether_socket
