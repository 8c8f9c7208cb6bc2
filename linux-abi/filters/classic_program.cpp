// SPDX-License-Identifier: Apache-2.0
// Filter programs: see classic_program.h. The codes are those of <linux/bpf_common.h>; which of them seccomp takes, and
// what must hold of jumps and memory, is as in Linux.
#include "linux-abi/filters/classic_program.h"

#include <cstring>

#include "kernel/base/array.h"

namespace linux_abi {
namespace {

namespace code {
constexpr std::uint16_t load = 0, load_index = 1, store = 2, store_index = 3, alu = 4, jump = 5, give = 6, other = 7;
constexpr std::uint16_t class_of(std::uint16_t whole) { return whole & 7; }
constexpr std::uint16_t immediate = 0x00, absolute = 0x20, memory = 0x60, length = 0x80;
constexpr std::uint16_t add = 0x00, subtract = 0x10, multiply = 0x20, divide = 0x30, bit_or = 0x40, bit_and = 0x50,
                        shift_left = 0x60, shift_right = 0x70, negate = 0x80, bit_xor = 0xa0;
constexpr std::uint16_t always = 0x00, equal = 0x10, greater = 0x20, greater_equal = 0x30, any_bit = 0x40;
constexpr std::uint16_t by_index = 0x08;                              // BPF_X: the operand is the index register
constexpr std::uint16_t give_accumulator = give | 0x10;               // BPF_RET | BPF_A
constexpr std::uint16_t to_index = other, from_index = other | 0x80;  // BPF_MISC | BPF_TAX, BPF_TXA
}  // namespace code

constexpr std::uint32_t words = 16, word_bits = 32;

bool is_alu(std::uint16_t operation) {
  switch (operation & ~code::by_index) {
    case code::add:
    case code::subtract:
    case code::multiply:
    case code::divide:
    case code::bit_or:
    case code::bit_and:
    case code::shift_left:
    case code::shift_right:
    case code::bit_xor:
      return true;
    default:
      return operation == code::negate;
  }
}

bool is_possible_alu(const FilterInstruction& each) {
  const std::uint16_t operation = each.code & 0xf8;
  if (each.code > 0xff || !is_alu(operation)) return false;
  if (operation == code::divide) return each.operand != 0;
  if (operation == code::shift_left || operation == code::shift_right) return each.operand < word_bits;
  return true;
}

bool is_possible_jump(const FilterInstruction& each, std::size_t at, std::size_t count) {
  const std::size_t after = count - at - 1;  // instructions that follow
  if (each.code == (code::jump | code::always)) return each.operand < after;
  switch (each.code & ~(code::by_index | 7)) {
    case code::equal:
    case code::greater:
    case code::greater_equal:
    case code::any_bit:
      return each.if_true < after && each.if_false < after;
    default:
      return false;
  }
}

bool is_possible(const FilterInstruction& each, std::size_t at, std::size_t count) {
  switch (code::class_of(each.code)) {
    case code::load:
      if (each.code == (code::load | code::absolute)) return each.operand % 4 == 0 && each.operand < sizeof(CallData);
      [[fallthrough]];
    case code::load_index: {
      const std::uint16_t mode = each.code & ~7;
      return mode == code::immediate || mode == code::length || (mode == code::memory && each.operand < words);
    }
    case code::store:
    case code::store_index:
      return each.code <= code::store_index && each.operand < words;
    case code::alu:
      return is_possible_alu(each);
    case code::jump:
      return is_possible_jump(each, at, count);
    case code::give:
      return each.code == code::give || each.code == code::give_accumulator;
    default:
      return each.code == code::to_index || each.code == code::from_index;
  }
}

bool is_conditional(const FilterInstruction& each) {
  return code::class_of(each.code) == code::jump && each.code != (code::jump | code::always);
}

// Words that are read were written before, whichever way the program came there.
Answer<> check_memory(std::span<const FilterInstruction> program) {
  base::Array<std::uint16_t> written;  // before each instruction, on every way to it
  TRY(written.resize(program.size()));
  for (std::uint16_t& each : written) each = 0xffff;
  std::uint16_t now = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const FilterInstruction& each = program[at];
    now &= written[at];
    const std::uint16_t word = static_cast<std::uint16_t>(1U << (each.operand % words));
    const bool reads = each.code == (code::load | code::memory) || each.code == (code::load_index | code::memory);
    if (reads && (now & word) == 0) return error(EINVAL);
    if (each.code == code::store || each.code == code::store_index) now |= word;
    if (each.code == (code::jump | code::always)) {
      written[at + 1 + each.operand] &= now;
      now = 0xffff;
    } else if (is_conditional(each)) {
      written[at + 1 + each.if_true] &= now;
      written[at + 1 + each.if_false] &= now;
      now = 0xffff;
    }
  }
  return {};
}

struct Machine {
  std::uint32_t accumulator = 0, index = 0;
  std::array<std::uint32_t, words> memory{};
};

std::uint32_t load(const Machine& machine, const FilterInstruction& each, const CallData& call) {
  switch (each.code & ~7) {
    case code::absolute: {
      std::uint32_t word = 0;
      std::memcpy(&word, reinterpret_cast<const std::byte*>(&call) + each.operand, sizeof word);
      return word;
    }
    case code::memory:
      return machine.memory[each.operand];
    case code::length:
      return sizeof(CallData);
    default:
      return each.operand;
  }
}

// False: divided by zero.
bool calculate(std::uint32_t& value, std::uint16_t operation, std::uint32_t operand) {
  switch (operation & ~code::by_index) {
    case code::add:
      value += operand;
      break;
    case code::subtract:
      value -= operand;
      break;
    case code::multiply:
      value *= operand;
      break;
    case code::divide:
      if (operand == 0) return false;
      value /= operand;
      break;
    case code::bit_or:
      value |= operand;
      break;
    case code::bit_and:
      value &= operand;
      break;
    case code::bit_xor:
      value ^= operand;
      break;
    case code::shift_left:
      value <<= operand % word_bits;
      break;
    case code::shift_right:
      value >>= operand % word_bits;
      break;
    default:
      value = 0 - value;
  }
  return true;
}

bool holds(std::uint32_t value, std::uint16_t condition, std::uint32_t operand) {
  switch (condition & ~(code::by_index | 7)) {
    case code::equal:
      return value == operand;
    case code::greater:
      return value > operand;
    case code::greater_equal:
      return value >= operand;
    default:
      return (value & operand) != 0;
  }
}

}  // namespace

Answer<> check_filter(std::span<const FilterInstruction> program) {
  if (program.empty() || program.size() > max_filter_instructions) return error(EINVAL);
  for (std::size_t at = 0; at < program.size(); ++at)
    if (!is_possible(program[at], at, program.size())) return error(EINVAL);
  if (code::class_of(program.back().code) != code::give) return error(EINVAL);
  return check_memory(program);
}

std::uint32_t run_filter(std::span<const FilterInstruction> program, const CallData& call) {
  Machine machine;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const FilterInstruction& each = program[at];
    const std::uint32_t operand = (each.code & code::by_index) != 0 ? machine.index : each.operand;
    switch (code::class_of(each.code)) {
      case code::load:
        machine.accumulator = load(machine, each, call);
        break;
      case code::load_index:
        machine.index = load(machine, each, call);
        break;
      case code::store:
        machine.memory[each.operand] = machine.accumulator;
        break;
      case code::store_index:
        machine.memory[each.operand] = machine.index;
        break;
      case code::alu:
        if (!calculate(machine.accumulator, each.code & 0xf8, operand)) return 0;
        break;
      case code::jump:
        if (each.code == (code::jump | code::always))
          at += each.operand;
        else
          at += holds(machine.accumulator, each.code, operand) ? each.if_true : each.if_false;
        break;
      case code::give:
        return each.code == code::give ? each.operand : machine.accumulator;
      default:
        if (each.code == code::to_index)
          machine.index = machine.accumulator;
        else
          machine.accumulator = machine.index;
    }
  }
  return 0;
}

}  // namespace linux_abi
