// SPDX-License-Identifier: Apache-2.0
// See run.h.
#include "tests/sim/run.h"

#include <cstring>

#include "net/rpc/waited_call.h"
#include "processor/monitor_core.h"
#include "processor/requests.h"
#include "tests/sim/report.h"

namespace sim {
namespace {

using base::Result;
using processor::Reference;
using processor::ThreadSleeper;
using threads::Interruptible;

constexpr std::uint32_t regular_file = 0100644;

class Run {
 public:
  Run(const RunOptions& options, const Thread::Body& first)
      : options_(options), first_(first), rack_(rack_options(options)), program_{.rack = rack_} {}

  RunCounters operator()() {
    placement_ = rack_.run_task(rack_.client->launch(), "launching");
    require(placement_.processor == rack_.processor->member.node(), "placed on another pComponent");
    rack_.run_thread([this] { must(live(), "running"); }, "the program");
    rack_.run_task(rack_.client->end(placement_), "the end of the launch");
    rack_.check_empty();
    check_disk();
    const auto& monitor = rack_.processor->monitor();
    return {program_.stores, program_.loads, program_.changes, program_.started, monitor.counters()};
  }

 private:
  static RackOptions rack_options(const RunOptions& options) {
    RackOptions result = options.rack;
    result.disk = options.files > 0;
    return result;
  }
  static void must(const Result<>& result, const char* what) {
    if (!result) fail(std::string(what) + ": " + std::string(base::error_name(result.error())));
  }

  // The launch from beginning to end, on a kernel thread of the pComponent.
  Result<> live() {
    ThreadSleeper sleeper(Interruptible::Never);
    family_ = TRY(rack_.processor->monitor().create_family(placement_.home));
    if (options_.files > 0) TRY(mount());
    for (unsigned i = 0; i < options_.segments; ++i) TRY(make_segment(sleeper));
    for (unsigned i = 0; i < options_.files; ++i) TRY(make_file(i, sleeper));
    auto space = TRY(processor::create_space(*family_, sleeper));
    Thread::start(*new Process(program_, family_, std::move(space)), first_);
    if (options_.kill_after_ns != 0) {
      (void)threads::sleep_until(threads::clock().now_ns() + options_.kill_after_ns, Interruptible::Never);
      trace("everything is killed");
      family_->kill_all();
    }
    TRY(family_->wait_until_no_threads(sleeper));
    require(program_.processes == 0, "a process is left");
    for (auto& object : program_.objects) object->object.reset();
    TRY(family_->wait_until_gone(sleeper));
    if (options_.files > 0) TRY(unmount());
    family_.reset();
    return {};
  }

  Result<processor::MemoryHome*> home() {
    return processor::core_of(*family_).home_at(placement_.home.memory, placement_.home.vnode);
  }

  Result<> mount() {
    messages::FileMountRequest request;
    request.storage = placement_.storage.node.value();
    request.storage_ip = placement_.storage.ip;
    request.storage_boot_id = placement_.storage.boot_id.value();
    processor::MemoryHome& memory = *TRY(home());
    root_ = TRY(processor::ask(memory, request)).body.root.file;
    return {};
  }

  // Files that were closed are let go of in the background.
  Result<> unmount() {
    auto& core = processor::core_of(*family_);
    while (core.excache().free_lines() != core.excache().line_count()) processor::wait_before_retry();
    messages::FileUnmountRequest request;
    request.root = root_;
    processor::MemoryHome& memory = *TRY(home());
    TRY(processor::ask(memory, request));
    return {};
  }

  Result<> make_segment(processor::Sleeper& sleeper) {
    auto made = std::make_unique<Shared>();
    made->object = TRY(processor::create_segment(*family_, options_.segment_pages * base::page_bytes, sleeper));
    made->pages.resize(options_.segment_pages);
    program_.objects.push_back(std::move(made));
    return {};
  }

  Result<> make_file(unsigned index, processor::Sleeper& sleeper) {
    const std::string name = file_name(index);
    messages::FileAttributes attributes = TRY(create_file(name));
    auto made = std::make_unique<Shared>();
    made->is_file = true;
    made->constant = index == 1;
    made->object = TRY(processor::open_file(*family_, attributes, {.held = true, .on_disk = true}, sleeper));
    made->pages.resize(options_.file_pages);
    std::vector<std::byte> content(options_.file_pages * base::page_bytes);
    for (std::size_t page = 0; page < made->pages.size(); ++page)
      for (std::size_t word = 0; word < word_offsets.size(); ++word) {
        const std::uint64_t value = ++program_.last_value;
        made->pages[page][word].possible = {value};
        std::memcpy(content.data() + page * base::page_bytes + word_offsets[word], &value, sizeof value);
      }
    const auto written = TRY(processor::write_object(*made->object, 0, content, sleeper));
    require(written == content.size(), "a short write");
    program_.objects.push_back(std::move(made));
    return {};
  }

  static std::string file_name(unsigned index) { return "file" + std::to_string(index); }

  // The name is the tail of the request, which requests.h has no use for.
  Result<messages::FileAttributes> create_file(const std::string& name) {
    messages::FileCreateRequest request;
    request.directory = root_;
    request.mode = regular_file;
    request.name_bytes = static_cast<std::uint32_t>(name.size());
    request.hold = 1;
    ThreadSleeper sleeper(Interruptible::Never);
    rpc::WaitedCall& call = *TRY(rpc::WaitedCall::create(sleeper, nullptr));
    call.set_body(request);
    call.request.copied_tail = std::as_bytes(std::span(name));
    call.request.vnode = placement_.home.vnode;
    processor::MemoryHome& target = *TRY(home());
    call.start(target.peer());
    while (!call.done()) sleeper.sleep();
    auto reply = call.take();
    call.drop();
    if (!reply) return base::fail(reply.error());
    return TRY(reply->as<messages::FileAttributesReply>()).attributes;
  }

  // What was stored is on the disk, which was left clean.
  void check_disk() {
    if (options_.files == 0) return;
    auto mounted = ext4::FileSystem::mount(rack_.storage->disk(), {.first_generation = 77}, 0);
    require(mounted.has_value(), "the disk cannot be mounted any more");
    storage::FileSystem& disk = **mounted;
    unsigned index = 0;
    for (auto& object : program_.objects) {
      if (!object->is_file) continue;
      const auto found = disk.lookup(disk.root(), file_name(index++));
      require(found && found->size == object->pages.size() * base::page_bytes, "a file is not as long as it was");
      for (std::size_t page = 0; page < object->pages.size(); ++page)
        for (std::size_t word = 0; word < word_offsets.size(); ++word) {
          std::uint64_t value = 0;
          const auto got = disk.read(found->file, page * base::page_bytes + word_offsets[word],
                                     std::as_writable_bytes(std::span(&value, 1)));
          require(got && *got == sizeof value, "a file cannot be read from the disk");
          check_word(object->pages[page], word, value, "on the disk", page);
        }
    }
    must(disk.unmount(), "unmounting");
  }

  const RunOptions options_;
  const Thread::Body first_;
  Rack rack_;
  Program program_;
  ClientNode::Placement placement_;
  Reference<processor::Family> family_;
  std::uint64_t root_ = 0;
};

}  // namespace

RunCounters run_program(const RunOptions& options, const Thread::Body& first) {
  begin_run(options.rack.seed);
  return Run(options, first)();
}

}  // namespace sim
