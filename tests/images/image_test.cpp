// SPDX-License-Identifier: Apache-2.0
// What the linked images hold: nothing of another role, no segment that is both writable and executable, no vector
// instruction outside the files listed here, the names of its functions.
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

#include "kernel/core/symbol_table.h"
#include "kernel/memory/layout.h"
#include "tools/image/elf_file.h"

namespace {

// Source files that may hold vector instructions: they save and restore the registers of user threads, or those that
// they use themselves.
const std::vector<std::string> vector_files = {
    "crc_fold.asm",
    "fpu.cpp",
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

// Which object files the link took, from the linker's map: "Archive member included ..." has a line with each one's
// path, "folder/libx.kernel.a(file.cpp.o)", below the name of who wanted it.
std::set<std::string> read_map(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream) << path;
  std::set<std::string> files;
  std::string line;
  std::getline(stream, line);
  EXPECT_TRUE(line.starts_with("Archive member included")) << line;
  while (std::getline(stream, line) && !line.starts_with("Discarded") && !line.starts_with("Memory Configuration")) {
    const std::size_t end = line.find(')');
    if (line.starts_with('/') && end != line.npos) files.insert(line.substr(0, end + 1));
  }
  return files;
}

// The name of the file in "/path/file.cpp:12 (...)", whatever stands before it.
std::string file_in(const std::string& line) {
  const std::size_t path = line.find('/'), number = line.find(':', path), name = line.rfind('/', number) + 1;
  return line.substr(name, number - name);
}

// Calls `see` with each instruction's line of the disassembly, its text and the source files it is from, as the
// debugging information has it (link-time optimization knows no object files): first the one with the statement, then
// those with the calls that it was inlined by.
template <typename See>
void disassemble(const std::string& path, See see) {
  const std::string command = "objdump -d -l --inlines --no-show-raw-insn " + path;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  ASSERT_NE(pipe, nullptr);
  std::array<char, 4096> buffer;
  std::vector<std::string> files;
  bool told = false;  // since the last instruction: the first file is told anew when it is another, the rest always
  while (std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    const std::string line(buffer.data());
    if (const std::size_t text = line.find(":\t"); text != line.npos && line.starts_with("ffffffff")) {
      see(line, line.substr(text + 2), files);
      told = false;
    } else if (line.ends_with(">:\n")) {
      files.clear();  // the next function
    } else if (line.starts_with('/')) {
      files = {file_in(line)};
      told = true;
    } else if (line.starts_with("inlined by ")) {
      if (!told) files.resize(std::min<std::size_t>(files.size(), 1));
      files.push_back(file_in(line));
      told = true;
    }
  }
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
  std::set<std::string> map_;
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
  for (const std::string& file : map_) {
    const std::string path = file.starts_with(build) ? file.substr(build.size()) : file;
    folders.insert(path.substr(0, path.find('/')));
  }
  EXPECT_TRUE(folders.contains("kernel") && folders.contains("arch") && folders.contains(GetParam().folder));
  for (const std::string& role : GetParam().other_roles) EXPECT_FALSE(folders.contains(role)) << role;
}

TEST_P(ImageTest, NoVectorInstructionsInKernelCode) {
  std::uint64_t instructions = 0, unknown = 0;
  std::map<std::string, std::string> offending;  // file -> first line
  std::set<std::string> seen;                    // of vector_files
  disassemble(path_of(GetParam(), ".elf"), [&](const std::string& line, const std::string& text, const auto& files) {
    ++instructions;
    unknown += files.empty();
    if (!is_vector_instruction(text)) return;
    const auto allowed = std::ranges::find_first_of(files, vector_files);
    if (allowed != files.end())
      seen.insert(*allowed);
    else
      offending.emplace(files.empty() ? "?" : files.front(), line);
  });
  EXPECT_GT(instructions, 5000u) << "objdump did not disassemble the image";
  EXPECT_LT(unknown, instructions / 100) << "the image has no debugging information";
  EXPECT_FALSE(seen.empty()) << "the files with vector instructions are not found";
  for (const auto& [file, line] : offending) ADD_FAILURE() << file << ": " << line;
}

TEST_P(ImageTest, CarriesTheNamesOfItsFunctions) {
  const image::Symbol* start = elf_->find("image_symbols_start");
  ASSERT_NE(start, nullptr);
  const auto segment = std::ranges::find(elf_->segments(), start->address, &image::Segment::address);
  ASSERT_NE(segment, elf_->segments().end());
  const kernel::SymbolTable table(segment->contents, kernel::image_base);
  EXPECT_GT(table.count(), 1000u);
  for (const char* name : {"kernel_entry", "memcpy"}) {
    const image::Symbol* function = elf_->find(name);
    ASSERT_NE(function, nullptr) << name;
    EXPECT_EQ(table.find(function->address + 1).name, name);
  }
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
