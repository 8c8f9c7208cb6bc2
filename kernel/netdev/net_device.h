// SPDX-License-Identifier: Apache-2.0
// An Ethernet device, independent of its kind. Frames begin with the destination address and have no checksum (FCS).
// Received frames are seen in place; frames to send are gathered from where they lie, without a copy. Locking as in
// polled_device.h: transmit() may be called with a Verbs lock held, callbacks are made with none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/device/polled_device.h"

namespace netdev {

using MacAddress = std::array<std::uint8_t, 6>;

inline constexpr std::size_t ethernet_header_bytes = 14;
inline constexpr std::size_t max_copied_bytes = 240;   // of one frame: all headers and the checksum behind a payload
inline constexpr std::size_t max_frame_segments = 32;  // of one frame: a path MTU of 4096 may gather this many pieces

// Part of a frame to send. Borrowed bytes are read by the device later and must not change or be reused before
// TransmitDone; each piece is physically contiguous kernel memory. Copied bytes are free when transmit() returns.
struct Segment {
  enum class Storage : std::uint8_t { Borrowed, Copied };
  std::span<const std::byte> bytes;
  Storage storage = Storage::Borrowed;
};

// Told once for each frame that transmit() accepted with it: the device reads the frame's bytes no more. That includes
// frames that were never sent because the device failed. Called inside poll(), in the order in which the device
// finished; the object may be reused or destroyed from then on.
class TransmitDone {
 public:
  virtual void transmitted() = 0;

 protected:
  ~TransmitDone() = default;
};

// Told, inside poll(), that transmit() may succeed again after it returned Again.
class TransmitSpace {
 public:
  virtual void transmit_space_available() = 0;

 protected:
  ~TransmitSpace() = default;
};

enum class More : bool { No, Yes };

class Receiver {
 public:
  // `frame` is valid during the call only. In the order of arrival, never on two cores at once. More::Yes: another one
  // was there already, and follows unless it is dropped.
  virtual void frame(std::span<const std::byte> frame, More more) = 0;

 protected:
  ~Receiver() = default;
};

struct Counters {
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_full = 0;        // transmit() returned Again
  std::uint64_t rx_dropped = 0;     // longer than mtu() allows, too short, or nobody to receive it
  std::uint64_t device_errors = 0;  // the device broke its own rules
};

// poll() handles received frames and transmit completions. A completion alone causes an interrupt only when somebody
// waits for space or asked for prompt completions; otherwise it is noticed by the next poll().
class NetDevice : public device::PolledDevice {
 public:
  virtual MacAddress mac() const = 0;
  virtual std::uint32_t mtu() const = 0;  // bytes behind the Ethernet header

  // Sends one frame of at most ethernet_header_bytes + mtu() bytes. `done` may be null if no segment is borrowed.
  // Again: the ring is full, nothing was taken, and TransmitSpace will be called. NoDevice: the device failed.
  // TooBig, InvalidArgument: the frame breaks a limit above.
  virtual base::Result<> transmit(std::span<const Segment> segments, TransmitDone* done) = 0;

  // Returns when the device holds no frame that was accepted before the call, whoever tells of it, and spins until
  // then: microseconds, unless the link is stuck. A device that does not give them back in seconds is failed. The
  // TransmitDones that were not told yet are told by poll(), as ever. May be called with a Verbs lock held.
  virtual void drain() = 0;

  // Before the first poll(); both stay for good.
  virtual void set_receiver(Receiver& receiver) = 0;
  virtual void set_transmit_space(TransmitSpace& space) = 0;

  // From the next arm() on, completions of frames with a TransmitDone interrupt too.
  virtual void set_prompt_completions(bool prompt) = 0;

  virtual Counters counters() const = 0;
};

}  // namespace netdev
