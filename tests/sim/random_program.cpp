// SPDX-License-Identifier: Apache-2.0
// See random_program.h.
#include "tests/sim/random_program.h"

#include <algorithm>

namespace sim {
namespace {

class RandomProgram {
 public:
  RandomProgram(const RandomProgramOptions& options, Thread& thread) : options_(options), thread_(thread) {}

  void run() {
    if (random().below(2) == 0) start_second_thread();
    for (unsigned i = 0; i < options_.steps && !thread_.killed(); ++i) step();
    if (!thread_.killed()) thread_.load_everything();
    thread_.process().over = true;
  }

  void run_beside() {
    while (!thread_.process().over && !thread_.killed()) {
      instruction();
      if (random().below(4) == 0) Machine::get().scheduler().yield();
    }
  }

 private:
  struct Pages {
    std::uint64_t first;
    std::uint64_t count;
  };
  base::Random& random() { return thread_.random(); }
  std::uint64_t below(std::uint64_t limit) { return random().below(limit); }
  bool one_in(std::uint64_t chance) { return below(chance) == 0; }

  std::uint64_t area(std::uint64_t index) const { return ((4 + index) << 18) + 0x100 * (index + 1); }
  std::uint64_t any_page() { return area(below(options_.areas)) + below(options_.area_pages); }
  Pages any_pages() {
    const std::uint64_t start = below(options_.area_pages);
    const std::uint64_t most = std::min<std::uint64_t>(options_.area_pages - start, 8);
    return {area(below(options_.areas)) + start, 1 + below(most)};
  }

  void step() {
    switch (below(24)) {
      case 0:
      case 1:
        return map_private();
      case 2:
        return map_object();
      case 3:
        return with_pages([this](Pages pages) { thread_.unmap(pages.first, pages.count); });
      case 4:
      case 5:
        return with_pages([this](Pages pages) { discard(pages); });
      case 6:
        return remap();
      case 7:
        return with_pages([this](Pages pages) { thread_.protect(pages.first, pages.count, !one_in(3)); });
      case 8:
        return fork();
      case 9:
      case 10:
        return use_file();
      case 11:
        return thread_.load_everything();
      case 12:
        return map_again();
      default:
        for (std::uint64_t i = below(8); i-- > 0 && !thread_.killed();) instruction();
        return;
    }
  }

  template <typename Operation>
  void with_pages(Operation operation) {
    operation(any_pages());
  }

  void instruction() {
    const std::uint64_t page = any_page();
    const std::size_t word = below(word_offsets.size());
    if (one_in(2))
      thread_.load(page, word);
    else
      thread_.store(page, word);
  }

  void map_private() {
    const Pages pages = any_pages();
    thread_.map(pages.first, pages.count);
  }

  void map_object() {
    auto& objects = thread_.program().objects;
    if (objects.empty()) return;
    Shared& object = *objects[below(objects.size())];
    const Pages pages = any_pages();
    const std::uint64_t first = below(object.pages.size());
    const std::uint64_t count = std::min<std::uint64_t>(pages.count, object.pages.size() - first);
    const bool is_private = object.constant;
    thread_.map(pages.first, count,
                {.object = &object, .object_page = first, .shared = !is_private, .writable = !one_in(4)});
  }

  void discard(Pages pages) {
    if (!thread_.discard(pages.first, pages.count)) return;
    thread_.load(pages.first + below(pages.count));
  }

  // The same addresses at once again, as malloc does.
  void map_again() {
    const Pages pages = any_pages();
    if (thread_.unmap(pages.first, pages.count) && thread_.map(pages.first, pages.count))
      thread_.load(pages.first + below(pages.count));
  }

  void remap() {
    const Pages from = any_pages();
    const Mapping* mapping = thread_.process().model.find(from.first);
    if (mapping == nullptr) return;
    const bool may_grow = mapping->object == nullptr;
    const std::uint64_t new_count = one_in(2) ? from.count : 1 + below(may_grow ? 10 : from.count);
    const std::uint64_t to = one_in(4) ? from.first : any_page();
    const bool overlaps = to < from.first + from.count && from.first < to + new_count;
    if (to != from.first && overlaps) return;
    if (to == from.first && grows_over_something(from, new_count)) return;
    const bool keep_old = may_grow && to != from.first && new_count == from.count && one_in(3);
    thread_.remap(from.first, from.count, to, new_count, keep_old);
  }

  bool grows_over_something(Pages from, std::uint64_t new_count) {
    for (std::uint64_t i = from.count; i < new_count; ++i)
      if (thread_.process().model.find(from.first + i) != nullptr) return true;
    return false;
  }

  void fork() {
    const Program& program = thread_.program();
    if (program.processes >= options_.most_processes || program.started >= options_.most_started) return;
    thread_.fork(random_program(options_));
  }

  void use_file() {
    for (auto& object : thread_.program().objects) {
      if (!object->is_file || one_in(2)) continue;
      const std::uint64_t page = below(object->pages.size());
      const std::size_t word = below(word_offsets.size());
      if (one_in(6)) return thread_.flush_file(*object);
      if (object->constant || one_in(2)) return thread_.read_file(*object, page, word);
      return thread_.write_file(*object, page, word);
    }
  }

  void start_second_thread() {
    Thread::start(thread_.process(),
                  [options = options_](Thread& thread) { RandomProgram(options, thread).run_beside(); });
  }

  const RandomProgramOptions options_;
  Thread& thread_;
};

}  // namespace

Thread::Body random_program(const RandomProgramOptions& options) {
  return [options](Thread& thread) { RandomProgram(options, thread).run(); };
}

}  // namespace sim
