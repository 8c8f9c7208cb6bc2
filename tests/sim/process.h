// SPDX-License-Identifier: Apache-2.0
// Processes and threads of a simulated program. A thread's calls do what a program would do (an instruction, or what a
// system call does in processor/), and compare what it sees with the model; what differs ends the run. A thread that is
// being killed notices by killed(), and should return from its body.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "processor/process.h"
#include "processor/thread_sleeper.h"
#include "tests/sim/machine.h"
#include "tests/sim/model.h"
#include "tests/sim/rack.h"

namespace sim {

class Thread;

// What all processes of one launch share.
struct Program {
  Rack& rack;
  std::vector<std::unique_ptr<Shared>> objects;
  unsigned processes = 0;  // alive
  unsigned started = 0;
  std::uint64_t last_value = 0;
  std::uint64_t stores = 0, loads = 0, changes = 0;
};

class Process final : public processor::Process {
 public:
  Process(Program& owner, processor::Reference<processor::Family> family,
          processor::Reference<processor::AddressSpace> space)
      : processor::Process(std::move(family), std::move(space)), program(owner), number(++owner.started) {
    ++program.processes;
  }
  ~Process() override { --program.processes; }

  Program& program;
  const unsigned number;
  SpaceModel model;
  bool over = false;  // its first thread is done

 private:
  friend class Thread;
  struct Store {
    std::uint64_t page;
    std::size_t word;
    std::uint64_t value;
  };
  std::unordered_map<std::uint64_t, unsigned> changes_;  // of each page, begun and ended: odd while one is under way
  std::vector<Store>* stores_while_forking_ = nullptr;
};

class Thread final : public processor::Thread, public UserProgram {
 public:
  using Body = std::function<void(Thread&)>;
  static void start(Process& process, Body body);

  Process& process() const { return static_cast<Process&>(processor::Thread::process()); }
  Program& program() const { return process().program; }
  base::Random& random() const { return program().rack.random(); }
  bool killed() const { return stopped_ || kernel_thread().killed(); }

  // --- Instructions ---
  void load(std::uint64_t page, std::size_t word = 0) { access(page, word, Access::Read); }
  void store(std::uint64_t page, std::size_t word = 0) { access(page, word, Access::Write); }
  // Every mapped page.
  void load_everything();

  // --- Changes of the space; false: refused, or the thread is being killed ---
  bool map(std::uint64_t first, std::uint64_t count, Mapping mapping = {});
  bool unmap(std::uint64_t first, std::uint64_t count);
  bool discard(std::uint64_t first, std::uint64_t count);
  bool protect(std::uint64_t first, std::uint64_t count, bool writable);
  bool remap(std::uint64_t from, std::uint64_t count, std::uint64_t to, std::uint64_t new_count, bool keep_old = false);
  bool fork(Body child);

  // --- Calls on files ---
  void write_file(Shared& file, std::uint64_t page, std::size_t word);
  void read_file(Shared& file, std::uint64_t page, std::size_t word);
  void flush_file(Shared& file);

 private:
  Thread(Process& process, Body body) : processor::Thread(process), body_(std::move(body)) {}
  void run() override { body_(*this); }
  void gone(bool last) override;
  void access(std::uint64_t page, std::size_t word, Access access);
  void use(std::uint64_t page, std::size_t word, Access access, std::uint64_t& bytes);
  void check_refusal(std::uint64_t page, Access access, processor::FaultEnd end);
  void begin_change(std::uint64_t first, std::uint64_t count);
  void end_change(std::uint64_t first, std::uint64_t count) { begin_change(first, count); }
  // Whether it was done. Fails on errors that nothing explains.
  bool done(base::Error error, const char* what);
  template <typename T>
  static base::Error error_of(const base::Result<T>& result) {
    return result ? base::Error::None : result.error();
  }

  Body body_;
  bool stopped_ = false;
};

constexpr base::UserVa address_of(std::uint64_t page) { return base::UserVa(page << base::page_shift); }
constexpr vma::Range range_of(std::uint64_t first, std::uint64_t count) {
  return vma::Range::of(address_of(first), count * base::page_bytes);
}

}  // namespace sim
