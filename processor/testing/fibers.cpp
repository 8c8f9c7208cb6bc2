// SPDX-License-Identifier: Apache-2.0
// Fibers over ucontext, told to AddressSanitizer at each switch.
#include "processor/testing/fibers.h"

#include <sanitizer/common_interface_defs.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

namespace testing_support {
namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

// Stacks are kept for the next fiber: a test makes very many.
std::vector<std::byte*>& spare_stacks() {
  static std::vector<std::byte*> stacks;
  return stacks;
}

std::byte* take_stack() {
  if (!spare_stacks().empty()) {
    std::byte* stack = spare_stacks().back();
    spare_stacks().pop_back();
    return stack;
  }
  void* memory = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return static_cast<std::byte*>(memory);
}

}  // namespace

Fiber::Fiber(Scheduler& scheduler, std::function<void()> body)
    : scheduler_(scheduler), body_(std::move(body)), stack_(take_stack()) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_;
  context_.uc_stack.ss_size = stack_bytes;
  context_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&context_, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(self),
              static_cast<unsigned>(self >> 32));
}

Fiber::~Fiber() { spare_stacks().push_back(stack_); }

void Fiber::enter(unsigned low, unsigned high) {
  auto* fiber = reinterpret_cast<Fiber*>((static_cast<std::uintptr_t>(high) << 32) | low);
  Scheduler& scheduler = fiber->scheduler_;
  __sanitizer_finish_switch_fiber(nullptr, &scheduler.main_stack_, &scheduler.main_stack_bytes_);
  fiber->body_();
  scheduler.exit();
}

void Scheduler::exit() {
  current_->finished_ = true;
  __sanitizer_start_switch_fiber(nullptr, main_stack_, main_stack_bytes_);
  setcontext(&main_context_);
  std::abort();
}

Scheduler::~Scheduler() = default;

Fiber& Scheduler::spawn(std::function<void()> body) {
  fibers_.push_back(std::unique_ptr<Fiber>(new Fiber(*this, std::move(body))));
  return *fibers_.back();
}

void Scheduler::switch_to(Fiber& fiber) {
  current_ = &fiber;
  __sanitizer_start_switch_fiber(&main_fake_stack_, fiber.stack_, stack_bytes);
  swapcontext(&main_context_, &fiber.context_);
  __sanitizer_finish_switch_fiber(main_fake_stack_, nullptr, nullptr);
  current_ = nullptr;
}

void Scheduler::switch_back() {
  Fiber& fiber = *current_;
  __sanitizer_start_switch_fiber(&fiber.fake_stack_, main_stack_, main_stack_bytes_);
  swapcontext(&fiber.context_, &main_context_);
  __sanitizer_finish_switch_fiber(fiber.fake_stack_, &main_stack_, &main_stack_bytes_);
}

void Scheduler::yield() { switch_back(); }

void Scheduler::block(std::uint64_t deadline_ns) {
  current_->wake_at_ns_ = deadline_ns;
  current_->blocked_ = true;
  switch_back();
  current_->wake_at_ns_ = base::never_ns;
}

void Scheduler::sleep_ns(std::uint64_t duration_ns) { block(now_ns_ + duration_ns); }

bool FiberWaiter::sleep(std::uint64_t deadline_ns) {
  if (!woken_) scheduler_.block(deadline_ns);
  const bool result = woken_;
  woken_ = false;
  return result;
}

bool Scheduler::advance_time() {
  std::uint64_t earliest = base::never_ns;
  for (const auto& fiber : fibers_)
    if (fiber->blocked_) earliest = std::min(earliest, fiber->wake_at_ns_);
  if (idle_ && idle_(earliest)) return true;
  if (earliest == base::never_ns) return false;
  now_ns_ = std::max(now_ns_, earliest);
  return true;
}

bool Scheduler::run() {
  return run_until([this] { return fibers_.empty(); });
}

bool Scheduler::run_until(const std::function<bool()>& done) {
  std::vector<Fiber*> ready;
  for (std::uint64_t turn = 0; !done(); ++turn) {
    if (turn == most_turns) return false;
    now_ns_ += 1000;
    const bool happened = background_ && random.below(3) == 0 && background_();
    ready.clear();
    for (const auto& fiber : fibers_) {
      if (fiber->wake_at_ns_ <= now_ns_) fiber->blocked_ = false;
      if (!fiber->blocked_) ready.push_back(fiber.get());
    }
    if (ready.empty()) {
      if (happened || (background_ && background_()) || advance_time()) continue;
      return false;
    }
    Fiber& fiber = *ready[random.below(ready.size())];
    switch_to(fiber);
    if (fiber.finished_)
      std::erase_if(fibers_, [&](const std::unique_ptr<Fiber>& candidate) { return candidate.get() == &fiber; });
  }
  return true;
}

}  // namespace testing_support
