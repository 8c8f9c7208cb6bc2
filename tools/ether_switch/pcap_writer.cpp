// SPDX-License-Identifier: Apache-2.0
#include "tools/ether_switch/pcap_writer.h"

#include "kernel/base/clock.h"
#include "kernel/base/endian.h"
#include "net/ether_socket/frame_stream.h"

namespace ether_switch {
namespace {

struct FileHeader {
  base::le32 magic{0xa1b2c3d4};  // timestamps in microseconds
  base::le16 major{2};
  base::le16 minor{4};
  base::le32 zone;
  base::le32 accuracy;
  base::le32 snapshot_bytes{ether_socket::max_frame_bytes};
  base::le32 link_type{1};  // Ethernet
};
static_assert(sizeof(FileHeader) == 24);

struct FrameHeader {
  base::le32 seconds;
  base::le32 microseconds;
  base::le32 captured_bytes;
  base::le32 frame_bytes;
};
static_assert(sizeof(FrameHeader) == 16);

base::Result<> put(std::FILE* file, const void* bytes, std::size_t count) {
  if (std::fwrite(bytes, 1, count, file) != count) return base::fail(base::Error::IoError);
  return {};
}

}  // namespace

base::Result<PcapWriter> PcapWriter::create(const std::string& path) {
  PcapWriter writer(std::fopen(path.c_str(), "wbe"));
  if (!writer.file_) return base::fail(base::Error::AccessDenied);
  const FileHeader header;
  TRY(put(writer.file_.get(), &header, sizeof(header)));
  TRY(writer.flush());
  return writer;
}

base::Result<> PcapWriter::write(std::span<const std::byte> frame, std::uint64_t time_ns) {
  FrameHeader header;
  header.seconds = static_cast<std::uint32_t>(time_ns / base::second_ns);
  header.microseconds = static_cast<std::uint32_t>(time_ns % base::second_ns / base::microsecond_ns);
  header.captured_bytes = header.frame_bytes = static_cast<std::uint32_t>(frame.size());
  TRY(put(file_.get(), &header, sizeof(header)));
  return put(file_.get(), frame.data(), frame.size());
}

base::Result<> PcapWriter::flush() {
  if (std::fflush(file_.get()) != 0) return base::fail(base::Error::IoError);
  return {};
}

}  // namespace ether_switch
