// SPDX-License-Identifier: Apache-2.0
// What the linked images hold: nothing of another role, no segment that is both writable and executable, no vector
// instruction outside the files listed here. Which file an address comes from is read from the linker's map.
#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/image/elf_file.h"

namespace {

// Object files that may hold vector instructions: they save and restore the registers of user threads, or those that
// they use themselves.
const std::vector<std::string> vector_files = {
    "crc_fold.asm.o",
    "fpu.cpp.o",
};

struct Image {
  std::string name;
  std::string folder;                     // of the build, that has it
  std::vector<std::string> other_roles;   // source folders that it must hold nothing of
  std::vector<std::string> other_scopes;  // namespaces, likewise
};

const std::vector<Image> images = {
    {"pcomponent", "linux-abi", {"memory", "storage", "gmm"}, {"memory", "storage", "gmm"}},
    {"mcomponent",
     "memory",
     {"linux-abi", "processor", "storage", "gmm"},
     {"linux_abi", "processor", "storage", "gmm"}},
    {"scomponent", "storage", {"linux-abi", "processor", "memory", "gmm"}, {"linux_abi", "processor", "memory", "gmm"}},
};

std::string path_of(const Image& image, const std::string& suffix) {
  return std::string(IMAGES) + "/" + image.folder + "/" + image.name + suffix;
}

// Start and end of each piece that the link took, and the object file it is from ("libx.kernel.a(file.cpp.o)").
struct Piece {
  std::uint64_t start, end;
  std::string file;
};

std::vector<Piece> read_map(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream) << path;
  std::vector<Piece> pieces;
  bool in_map = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("Linker script and memory map")) in_map = true;
    // " .text.name  0xaddress  0xsize  file"; a long name stands alone, the rest on the next line.
    const std::size_t numbers = line.find(" 0x");
    unsigned long long start = 0, size = 0;
    int file_at = 0;
    if (!in_map || !line.starts_with(' ') || numbers == std::string::npos ||
        std::sscanf(line.c_str() + numbers, " 0x%llx 0x%llx %n", &start, &size, &file_at) != 2 || file_at == 0)
      continue;
    const std::string file = line.substr(numbers + static_cast<std::size_t>(file_at));
    if (start != 0 && size != 0 && !file.empty()) pieces.push_back({start, start + size, file});
  }
  std::ranges::sort(pieces, {}, &Piece::start);
  return pieces;
}

std::string file_of(const std::vector<Piece>& pieces, std::uint64_t address) {
  auto after = std::ranges::upper_bound(pieces, address, {}, &Piece::start);
  while (after != pieces.begin()) {
    --after;
    if (address < after->end) return after->file;
    if (after->start + (1 << 20) < address) break;
  }
  return "?";
}

bool mentions_scope(const std::string& demangled, const std::string& scope) {
  for (std::size_t at = demangled.find(scope + "::"); at != std::string::npos;
       at = demangled.find(scope + "::", at + 1)) {
    const char before = at == 0 ? ' ' : demangled[at - 1];
    if (std::isalnum(static_cast<unsigned char>(before)) == 0 && before != '_' && before != ':') return true;
  }
  return false;
}

// A vector, mask or x87 register, or an x87 instruction that names none (they begin with f, and no other does).
bool is_vector_instruction(const std::string& instruction) {
  if (instruction.starts_with('f')) return true;
  for (std::size_t at = instruction.find('%'); at != std::string::npos; at = instruction.find('%', at + 1)) {
    const std::string name = instruction.substr(at + 1, 5);
    const auto digit = [&](std::size_t index) {
      return name.size() > index && name[index] >= '0' && name[index] <= '9';
    };
    if (name.starts_with("mm") && digit(2)) return true;
    if (name.substr(1).starts_with("mm") && digit(3)) return true;
    if (name.starts_with("k") && digit(1)) return true;
    if (name.starts_with("st") && (name.size() == 2 || std::isalnum(static_cast<unsigned char>(name[2])) == 0))
      return true;
  }
  return false;
}

class ImageTest : public testing::TestWithParam<Image> {
 protected:
  ImageTest() : elf_(image::ElfFile::read(path_of(GetParam(), ".elf"))), map_(read_map(path_of(GetParam(), ".map"))) {}
  void SetUp() override {
    ASSERT_TRUE(elf_.has_value()) << elf_.error();
    ASSERT_GT(elf_->symbols().size(), 100u);
    ASSERT_GT(map_.size(), 100u);
  }
  std::expected<image::ElfFile, std::string> elf_;
  std::vector<Piece> map_;
};

TEST_P(ImageTest, NoSegmentIsWritableAndExecutable) {
  unsigned loaded = 0, executable = 0, writable = 0;
  for (const image::Segment& segment : elf_->segments()) {
    if (segment.type != PT_LOAD) continue;
    ++loaded;
    executable += (segment.flags & PF_X) != 0;
    writable += (segment.flags & PF_W) != 0;
    EXPECT_NE(segment.flags & (PF_W | PF_X), PF_W | PF_X) << "at " << std::hex << segment.address;
    EXPECT_EQ(segment.address % 4096, 0u) << "segments share no page";
  }
  EXPECT_GE(loaded, 4u);
  EXPECT_GE(executable, 1u);
  EXPECT_GE(writable, 1u);
}

TEST_P(ImageTest, NoSymbolOfAnotherRole) {
  for (const image::Symbol& symbol : elf_->symbols()) {
    const std::string name = image::demangle(symbol.name);
    for (const std::string& scope : GetParam().other_scopes) EXPECT_FALSE(mentions_scope(name, scope)) << name;
  }
}

TEST_P(ImageTest, NoFileOfAnotherRole) {
  const std::string build = std::string(IMAGES) + "/";
  std::set<std::string> folders;  // the first part of each file's path in the build folder
  for (const Piece& piece : map_) {
    const std::string path = piece.file.starts_with(build) ? piece.file.substr(build.size()) : piece.file;
    folders.insert(path.substr(0, path.find('/')));
  }
  EXPECT_TRUE(folders.contains("kernel") && folders.contains("arch") && folders.contains(GetParam().folder));
  for (const std::string& role : GetParam().other_roles) EXPECT_FALSE(folders.contains(role)) << role;
}

TEST_P(ImageTest, NoVectorInstructionsInKernelCode) {
  const std::string command = "objdump -d --no-show-raw-insn " + path_of(GetParam(), ".elf");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  ASSERT_NE(pipe, nullptr);
  std::array<char, 1024> buffer;
  std::uint64_t instructions = 0;
  std::map<std::string, std::string> offending;  // file -> first line
  while (std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    const std::string line(buffer.data());
    const std::size_t colon = line.find(":\t");
    if (colon == std::string::npos) continue;
    ++instructions;
    const std::string instruction = line.substr(colon + 2);
    if (!is_vector_instruction(instruction)) continue;
    const std::string file = file_of(map_, std::stoull(line.substr(0, colon), nullptr, 16));
    const bool allowed = std::ranges::any_of(
        vector_files, [&](const std::string& name) { return file.find("(" + name + ")") != std::string::npos; });
    if (!allowed) offending.emplace(file, line);
  }
  EXPECT_GT(instructions, 5000u) << "objdump did not disassemble the image";
  for (const auto& [file, line] : offending) ADD_FAILURE() << file << ": " << line;
}

TEST_P(ImageTest, CarriesTheNamesOfItsFunctions) {
  const image::Symbol* start = elf_->find("image_symbols_start");
  const image::Symbol* end = elf_->find("image_symbols_end");
  ASSERT_TRUE(start != nullptr && end != nullptr);
  EXPECT_GT(end->address - start->address, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Images, ImageTest, testing::ValuesIn(images),
                         [](const auto& instance) { return instance.param.name; });

TEST(IsVectorInstruction, KnowsTheRegisters) {
  for (const char* text : {"movaps %xmm0,(%rax)", "vpxor %ymm15,%ymm1,%ymm2", "kmovq %k1,%rax", "movq %mm3,%rax",
                           "fninit", "fld %st(1)", "addsd %xmm1,%xmm0", "vmovdqa64 %zmm3,(%rcx)"})
    EXPECT_TRUE(is_vector_instruction(text)) << text;
  for (const char* text : {"mov %rax,%rbx", "mov %gs:0x20,%eax", "call *%rsi", "str %ax", "xsave64 (%rdi)", "ret"})
    EXPECT_FALSE(is_vector_instruction(text)) << text;
}

TEST(MentionsScope, WholeNamesOnly) {
  EXPECT_TRUE(mentions_scope("memory::f()", "memory"));
  EXPECT_TRUE(mentions_scope("base::Task<memory::Page>::run()", "memory"));
  EXPECT_FALSE(mentions_scope("kernel::memory::f()", "memory"));
  EXPECT_FALSE(mentions_scope("my_memory::f()", "memory"));
  EXPECT_FALSE(mentions_scope("kernel::memory_map()", "memory"));
}

}  // namespace
