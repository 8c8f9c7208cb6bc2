// SPDX-License-Identifier: Apache-2.0
// What is a filter and what is not, and what filters return.
#include "linux-abi/filters/classic_program.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <random>
#include <vector>

namespace {

using linux_abi::CallData;
using linux_abi::check_filter;
using linux_abi::FilterInstruction;
using Program = std::vector<FilterInstruction>;

FilterInstruction statement(unsigned code, std::uint32_t operand) {
  return {static_cast<std::uint16_t>(code), 0, 0, operand};
}
FilterInstruction jump(unsigned code, std::uint32_t operand, std::uint8_t if_true, std::uint8_t if_false) {
  return {static_cast<std::uint16_t>(code), if_true, if_false, operand};
}
const FilterInstruction give_accumulator = statement(BPF_RET | BPF_A, 0);

std::uint32_t value_of(const Program& program, const CallData& call = {}) {
  EXPECT_TRUE(check_filter(program).has_value());
  return linux_abi::run_filter(program, call);
}

TEST(ClassicProgram, LooksAtTheCall) {
  const Program program{statement(BPF_LD | BPF_W | BPF_ABS, 0), jump(BPF_JMP | BPF_JEQ | BPF_K, 39, 0, 1),
                        statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 7),
                        statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  EXPECT_EQ(value_of(program, {.number = 39}), SECCOMP_RET_ERRNO | 7U);
  EXPECT_EQ(value_of(program, {.number = 40}), SECCOMP_RET_ALLOW);
  CallData call;
  call.arguments[1] = 0x1122334455667788;
  EXPECT_EQ(value_of({statement(BPF_LD | BPF_W | BPF_ABS, 24), give_accumulator}, call), 0x55667788U);
  EXPECT_EQ(value_of({statement(BPF_LD | BPF_W | BPF_ABS, 28), give_accumulator}, call), 0x11223344U);
  EXPECT_EQ(value_of({statement(BPF_LD | BPF_W | BPF_LEN, 0), give_accumulator}), 64U);
}

TEST(ClassicProgram, Calculates) {
  const auto of = [](unsigned operation, std::uint32_t left, std::uint32_t right) {
    return value_of({statement(BPF_LD | BPF_IMM, right), statement(BPF_MISC | BPF_TAX, 0),
                     statement(BPF_LD | BPF_IMM, left), statement(BPF_ALU | operation | BPF_X, 0), give_accumulator});
  };
  EXPECT_EQ(of(BPF_ADD, 5, 3), 8U);
  EXPECT_EQ(of(BPF_SUB, 3, 5), 0xfffffffeU);
  EXPECT_EQ(of(BPF_MUL, 0x10000, 0x10001), 0x10000U);
  EXPECT_EQ(of(BPF_DIV, 17, 5), 3U);
  EXPECT_EQ(of(BPF_DIV, 17, 0), 0U);  // ends the program
  EXPECT_EQ(of(BPF_AND, 12, 10), 8U);
  EXPECT_EQ(of(BPF_OR, 12, 10), 14U);
  EXPECT_EQ(of(BPF_XOR, 12, 10), 6U);
  EXPECT_EQ(of(BPF_LSH, 1, 31), 0x80000000U);
  EXPECT_EQ(of(BPF_RSH, 0x80000000, 31), 1U);
  EXPECT_EQ(value_of({statement(BPF_LD | BPF_IMM, 1), statement(BPF_ALU | BPF_NEG, 0), give_accumulator}), 0xffffffffU);
  EXPECT_EQ(value_of({statement(BPF_LD | BPF_IMM, 9), statement(BPF_ST, 15), statement(BPF_LD | BPF_IMM, 1),
                      statement(BPF_LDX | BPF_MEM, 15), statement(BPF_MISC | BPF_TXA, 0), give_accumulator}),
            9U);
}

TEST(ClassicProgram, RefusesWhatIsNone) {
  const FilterInstruction give = statement(BPF_RET | BPF_K, 0);
  const auto refused = [](const Program& program) { return !check_filter(program).has_value(); };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(Program(4097, give)));
  EXPECT_FALSE(refused(Program(4096, give)));
  EXPECT_TRUE(refused({statement(BPF_LD | BPF_IMM, 0)}));                 // does not end
  EXPECT_TRUE(refused({statement(BPF_LD | BPF_W | BPF_ABS, 64), give}));  // beyond the call
  EXPECT_TRUE(refused({statement(BPF_LD | BPF_W | BPF_ABS, 2), give}));   // between words
  EXPECT_TRUE(refused({statement(BPF_LD | BPF_B | BPF_ABS, 0), give}));   // a byte
  EXPECT_TRUE(refused({statement(BPF_LD | BPF_W | BPF_IND, 0), give}));   // of packets only
  EXPECT_TRUE(refused({statement(BPF_LD | BPF_MEM, 16), give}));          // no such word
  EXPECT_TRUE(refused({statement(BPF_LD | BPF_MEM, 0), give}));           // never written
  EXPECT_TRUE(refused({statement(BPF_ST, 16), give}));
  EXPECT_TRUE(refused({statement(BPF_ALU | BPF_DIV | BPF_K, 0), give}));
  EXPECT_TRUE(refused({statement(BPF_ALU | BPF_MOD | BPF_K, 3), give}));  // seccomp has none
  EXPECT_TRUE(refused({statement(BPF_ALU | BPF_LSH | BPF_K, 32), give}));
  EXPECT_TRUE(refused({statement(BPF_JMP | BPF_JA, 1), give}));  // beyond the end
  EXPECT_TRUE(refused({statement(BPF_JMP | BPF_JA, 0xffffffff), give}));
  EXPECT_TRUE(refused({jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), give}));
  EXPECT_TRUE(refused({jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), give}));
  EXPECT_TRUE(refused({statement(0xffff, 0), give}));
  // Written on one way only.
  EXPECT_TRUE(
      refused({jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), statement(BPF_ST, 3), statement(BPF_LD | BPF_MEM, 3), give}));
}

// Whatever is taken ends, and stays within its words (the sanitizers see to that).
TEST(ClassicProgram, RandomProgramsEnd) {
  std::mt19937 random(1);
  const std::uint16_t codes[] = {0x00, 0x20, 0x80, 0x60, 0x01, 0x81, 0x61, 0x02, 0x03, 0x04, 0x0c, 0x14, 0x1c,
                                 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x54, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0xa4, 0xac,
                                 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07, 0x87};
  unsigned taken = 0;
  for (int round = 0; round < 20000; ++round) {
    Program program(1 + random() % 12);
    for (FilterInstruction& each : program) {
      each.code = random() % 50 == 0 ? static_cast<std::uint16_t>(random()) : codes[random() % std::size(codes)];
      each.if_true = static_cast<std::uint8_t>(random() % 4);
      each.if_false = static_cast<std::uint8_t>(random() % 4);
      each.operand =
          random() % 20 == 0 ? static_cast<std::uint32_t>(random()) : static_cast<std::uint32_t>(random() % 20);
    }
    if (random() % 4 != 0) program.back() = give_accumulator;
    if (!check_filter(program)) continue;
    ++taken;
    CallData call;
    call.number = static_cast<std::int32_t>(random());
    (void)linux_abi::run_filter(program, call);
  }
  EXPECT_GT(taken, 100U);
}

}  // namespace
