// SPDX-License-Identifier: Apache-2.0
// siginfo_t as Linux lays it out for 64-bit programs: see information.h.
#include "linux-abi/signals/information.h"

#include <cstring>

namespace linux_abi {

namespace {
// siginfo_t of 64-bit programs: three integers, a hole, then a union.
constexpr std::size_t signal_at = 0, error_at = 4, code_at = 8, union_at = 16;
constexpr std::size_t value_at = union_at + 8;  // si_value of the kinds that have a pid and a uid, or a timer

class Writer {
 public:
  explicit Writer(SignalInformationBytes& bytes) : bytes_(bytes) {}
  template <typename T>
  void put(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }

 private:
  SignalInformationBytes& bytes_;
};

template <typename T>
T get(const SignalInformationBytes& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
}  // namespace

SignalInformationBytes user_layout(const SignalInformation& information) {
  SignalInformationBytes bytes{};
  Writer out(bytes);
  out.put(signal_at, information.signal);
  out.put(error_at, information.error);
  out.put(code_at, information.code);
  const bool from_kernel = information.code > 0 && information.code < sig::code::kernel;
  if (from_kernel && synchronous.contains(information.signal)) {
    out.put(union_at, information.value);  // si_addr
    if (information.signal == sig::sys) {  // of a call: its number, and the architecture
      out.put(union_at + 8, information.timer);
      out.put(union_at + 12, information.overrun);
    }
  } else if (information.code == sig::code::timer) {
    out.put(union_at, information.timer);
    out.put(union_at + 4, information.overrun);
    out.put(value_at, information.value);
  } else if (from_kernel && information.signal == sig::chld) {
    out.put(union_at, information.pid);
    out.put(union_at + 4, information.uid);
    out.put(union_at + 8, static_cast<std::int32_t>(information.value));  // si_status
    out.put(union_at + 16, information.user_ticks);
    out.put(union_at + 24, information.system_ticks);
  } else {
    out.put(union_at, information.pid);
    out.put(union_at + 4, information.uid);
    out.put(value_at, information.value);
  }
  return bytes;
}

SignalInformation from_user_layout(const SignalInformationBytes& bytes) {
  return {.signal = get<int>(bytes, signal_at),
          .error = get<int>(bytes, error_at),
          .code = get<int>(bytes, code_at),
          .pid = get<std::int32_t>(bytes, union_at),
          .uid = get<std::uint32_t>(bytes, union_at + 4),
          .value = get<std::uint64_t>(bytes, value_at)};
}

}  // namespace linux_abi
