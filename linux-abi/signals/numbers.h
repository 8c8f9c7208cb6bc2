// SPDX-License-Identifier: Apache-2.0
// Sets of signals.
#pragma once

#include <bit>
#include <cstdint>

#include "linux-abi/signals/signal_numbers.h"

namespace linux_abi {

inline constexpr int max_signal = 64;
inline constexpr int first_realtime_signal = 32;

class SignalSet {
 public:
  constexpr SignalSet() = default;
  constexpr explicit SignalSet(std::uint64_t bits) : bits_(bits) {}
  static constexpr SignalSet of(int signal) { return SignalSet(std::uint64_t{1} << (signal - 1)); }
  static constexpr SignalSet all() { return SignalSet(~std::uint64_t{0}); }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool contains(int signal) const { return (bits_ & of(signal).bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr void add(int signal) { bits_ |= of(signal).bits_; }
  constexpr void remove(int signal) { bits_ &= ~of(signal).bits_; }
  constexpr SignalSet operator|(SignalSet other) const { return SignalSet(bits_ | other.bits_); }
  constexpr SignalSet operator&(SignalSet other) const { return SignalSet(bits_ & other.bits_); }
  constexpr SignalSet operator~() const { return SignalSet(~bits_); }
  constexpr bool operator==(const SignalSet&) const = default;
  constexpr int lowest() const { return std::countr_zero(bits_) + 1; }  // not empty

 private:
  std::uint64_t bits_ = 0;
};

// Cannot be caught, blocked or ignored.
inline constexpr SignalSet unblockable = SignalSet(SignalSet::of(sig::kill).bits() | SignalSet::of(sig::stop).bits());
// Faults of the thread itself: delivered before others, and fatal when blocked.
inline constexpr SignalSet synchronous =
    SignalSet(SignalSet::of(sig::segv).bits() | SignalSet::of(sig::bus).bits() | SignalSet::of(sig::ill).bits() |
              SignalSet::of(sig::trap).bits() | SignalSet::of(sig::fpe).bits() | SignalSet::of(sig::sys).bits());
inline constexpr SignalSet stop_signals = SignalSet(SignalSet::of(sig::stop).bits() | SignalSet::of(sig::tstp).bits() |
                                                    SignalSet::of(sig::ttin).bits() | SignalSet::of(sig::ttou).bits());

}  // namespace linux_abi
