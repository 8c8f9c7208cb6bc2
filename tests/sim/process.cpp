// SPDX-License-Identifier: Apache-2.0
// Threads and their instructions: see process.h.
#include "tests/sim/process.h"

#include "tests/sim/report.h"

namespace sim {

using processor::FaultEnd;

void Thread::start(Process& process, Body body) {
  auto* thread = new Thread(process, std::move(body));
  arch::TrapFrame frame{};
  frame.rdi = reinterpret_cast<std::uint64_t>(static_cast<UserProgram*>(thread));
  require(thread->prepare("program", frame).has_value(), "no thread");
  static_cast<processor::Thread*>(thread)->start();
}

void Thread::gone(bool last) {
  Process* process = &this->process();
  delete this;
  if (last) delete process;
}

void Thread::access(std::uint64_t page, std::size_t word, Access access) {
  const unsigned before = process().changes_[page];
  if (before % 2 != 0) return;
  const base::UserVa address = address_of(page) + word_offsets[word];
  // What the program does with memory that another of its threads is changing is nobody's business.
  const auto undisturbed = [&] { return process().changes_[page] == before; };
  Core& core = Machine::get().core_of(kernel_thread());
  const FaultEnd end = core.access(address, access, [&](std::uint64_t& bytes) {
    if (undisturbed()) use(page, word, access, bytes);
  });
  if (end != FaultEnd::Resolved && end != FaultEnd::Killed && undisturbed()) check_refusal(page, access, end);
}

void Thread::use(std::uint64_t page, std::size_t word, Access access, std::uint64_t& bytes) {
  SpaceModel& model = process().model;
  const Mapping* mapping = model.find(page);
  const char* what = access == Access::Write ? "stores" : "loads";
  const std::uint64_t value = access == Access::Write ? ++program().last_value : bytes;
  trace("%u %s page %llx word %zu: %llu", process().number, what, static_cast<unsigned long long>(page), word,
        static_cast<unsigned long long>(value));
  require(mapping != nullptr, "a page can be used that is not mapped");
  require(access == Access::Read || mapping->writable, "a page can be written that is read-only");
  if (access == Access::Read) {
    ++program().loads;
    return check_word(model.loaded(page), word, bytes, mapping->shared ? "shared" : "private", page);
  }
  ++program().stores;
  bytes = value;
  model.stored(page)[word].possible = {value};
  if (process().stores_while_forking_ != nullptr) process().stores_while_forking_->push_back({page, word, value});
}

void Thread::check_refusal(std::uint64_t page, Access access, FaultEnd end) {
  const Mapping* mapping = process().model.find(page);
  const FaultEnd expected = mapping == nullptr                              ? FaultEnd::NotMapped
                            : access == Access::Write && !mapping->writable ? FaultEnd::NotPermitted
                                                                            : FaultEnd::Resolved;
  if (end != expected)
    fail("a fault of process " + std::to_string(process().number) + " at page " + std::to_string(page) + " ended as " +
         std::to_string(static_cast<int>(end)) + ", not " + std::to_string(static_cast<int>(expected)));
}

void Thread::load_everything() {
  std::vector<std::uint64_t> pages;
  for (const auto& [page, mapping] : process().model.mappings()) pages.push_back(page);
  for (const std::uint64_t page : pages)
    if (!killed()) load(page, random().below(word_offsets.size()));
}

}  // namespace sim
