// SPDX-License-Identifier: Apache-2.0
// A launch from the vNode's side: its first process, and its end. See program_launch.h.
#include <linux/fcntl.h>

#include <cstring>

#include "kernel/base/log.h"
#include "kernel/base/memory.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/console/program_launch.h"
#include "linux-abi/console/vnodes.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/process/exit.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/sockets/inet_endpoint.h"
#include "processor/monitor.h"

namespace linux_abi {

base::Result<int> ProgramLaunch::start(processor::Monitor& monitor, processor::Sleeper& sleeper) {
  processor::FamilyHome home;
  home.launch = id();
  home.vnode = base::VNodeId(request_.vnode);
  home.memory = {.node = base::NodeId(request_.home_memory),
                 .ip = request_.home_memory_ip,
                 .boot_id = base::BootId(request_.home_memory_boot_id)};
  family_ = TRY(monitor.create_family(home));
  auto vnode = find_or_mount(*family_, sleeper);
  if (!vnode) {
    base::log_error("linux_abi", "the root of vNode {} cannot be mounted: {}", home.vnode,
                    errno_name(vnode.error().number()));
    return base::fail(base::Error::IoError);
  }
  vnode_ = std::move(*vnode);
  const auto pid = make_first_process(family_, vnode_, sleeper);
  if (!pid) return base::fail(base::Error::NoMemory);
  return *pid;
}

Answer<processor::Reference<VNode>> ProgramLaunch::find_or_mount(processor::Family& family,
                                                                 processor::Sleeper& sleeper) {
  const base::VNodeId id(request_.vnode);
  if (auto known = vnodes().find(id)) return known;
  auto made = base::make<VNode>(id);
  if (!made) return error(ENOMEM);
  processor::Reference<VNode> vnode(*made.release());
  std::memcpy(vnode->hostname.data(), request_.hostname.data(), request_.hostname.size());
  const rpc::NodeAddress storage{.node = base::NodeId(request_.storage),
                                 .ip = request_.storage_ip,
                                 .boot_id = base::BootId(request_.storage_boot_id)};
  vnode->unix_sockets = TRY(UnixSpace::create());
  vnode->inet_sockets = TRY(InetSpace::create());
  vnode->netlink_sockets = TRY(NetlinkSpace::create());
  vnode->files = TRY(mount_files(family, *vnode, storage, request_.kept, sleeper));
  vnodes().add(vnode);
  return vnode;
}

Answer<> ProgramLaunch::install_descriptors(Process& process) {
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    OpenFileReference file;
    if (is_terminal(static_cast<unsigned>(descriptor)))
      file = TRY(terminal_->open(O_RDWR, {}));
    else
      file = descriptor == 0 ? near_input_ : near_outputs_[static_cast<std::size_t>(descriptor - 1)];
    TRY(process.descriptors->install(std::move(file), CloseOnExec::No, 3));
  }
  near_input_.reset();
  for (OpenFileReference& output : near_outputs_) output.reset();
  return {};
}

Answer<int> ProgramLaunch::make_first_process(processor::Reference<processor::Family> family,
                                              processor::Reference<VNode> vnode, processor::Sleeper& sleeper) {
  auto space = TRY(processor::create_space(*family, sleeper));
  base::Own<Process> process(TRY(Process::create(std::move(family), std::move(space), vnode)));
  process->descriptors = TRY(DescriptorTable::create());
  process->files = TRY(FileContext::create(vnode->files));
  auto actions = base::make<SharedActions>();
  if (!actions) return error(ENOMEM);
  process->actions = processor::Reference<SharedActions>(*actions.release());
  process->launch = this;
  TRY(install_descriptors(*process));
  auto thread = base::make<Thread>(*process);
  if (!thread) return error(ENOMEM);
  thread->is_leader = true;
  thread->user.become(request_.uid, request_.gid);
  thread->program_to_start = this;
  // It passes the hook on its way to user mode, and becomes the program there.
  TRY(thread->prepare("launch", arch::initial_user_frame(base::UserVa(0), base::UserVa(0))));
  int pid = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    Pids& pids = vnode->pids;
    PidEntry* entry = TRY(pids.allocate());
    entry->thread = thread.get();
    entry->process = process.get();
    thread->pid_entry = process->pid_entry = process->group = process->session = entry;
    pids.retain(*entry);  // of the group
    pids.retain(*entry);  // of the session
    process->live_threads = 1;
    pid = entry->pid;
    if (terminal_) terminal_->make_controlling_locked(*process);
  }
  {
    const base::SpinGuard guard(lock_);
    first_process_ = process->serial();
    start_ns_ = threads::clock().now_ns();
  }
  thread->kernel_thread().interrupt();
  process.release();
  thread.release()->start();
  return pid;
}

Answer<> ProgramLaunch::prepare_caller(Thread& thread) {
  const std::string_view directory(strings_.directory.data());
  if (directory != "/") TRY(change_directory(thread, directory));
  return {};
}

namespace {

// The program's path: as execvp does it, a name without a slash is looked for in PATH of its environment.
Answer<base::Array<char>> find_program(Thread& thread, std::string_view name, const ProgramStrings& strings) {
  base::Array<char> path;
  if (name.find('/') != std::string_view::npos) {
    TRY(path.append(std::span(name)));
    return path;
  }
  std::string_view search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const char* text = strings.bytes.data();
  for (std::uint32_t i = 0; i < strings.argument_count + strings.environment_count; ++i) {
    const std::string_view entry(text);
    if (i >= strings.argument_count && entry.starts_with("PATH=")) search = entry.substr(5);
    text += entry.size() + 1;
  }
  Errno failure(ENOENT);
  while (true) {
    const std::size_t end = std::min(search.find(':'), search.size());
    path.clear();
    TRY(path.append(std::span(search.substr(0, end))));
    if (end > 0) TRY(path.push_back('/'));
    TRY(path.append(std::span(name)));
    const auto found = open_program(thread, -100, {path.data(), path.size()}, 0);
    if (found) return path;
    if (found.error() == EACCES) failure = found.error();
    if (end == search.size()) return std::unexpected(failure);
    search.remove_prefix(end + 1);
  }
}

}  // namespace

void ProgramLaunch::become_program(Thread& thread, arch::TrapFrame& frame) {
  const std::string_view name(strings_.program.data());
  const auto become = [&]() -> Answer<> {
    TRY(prepare_caller(thread));
    const base::Array<char> path = TRY(find_program(thread, name, strings_.arguments));
    return execute(thread, -100, {path.data(), path.size()}, 0, std::move(strings_.arguments), frame);
  };
  if (const Answer<> done = become(); !done) {
    fail(done.error(), name);
    exit_process(thread, done.error() == ENOENT ? 127 : 126);
  }
}

void ProgramLaunch::signal(int number) {
  if (terminal_) return terminal_->signal(number);
  if (!vnode_) return;
  const base::SpinGuard guard(tasks_lock);
  for (PidEntry* entry = vnode_->pids.next(0); entry != nullptr; entry = vnode_->pids.next(entry->pid + 1)) {
    if (entry->process == nullptr || entry->process->launch != this) continue;
    // The first one found is the program itself; its group gets it.
    (void)send_to_group_locked(*vnode_, entry->process->group->pid, {.signal = number, .code = sig::code::kernel});
    return;
  }
}

base::Result<> ProgramLaunch::release(processor::Sleeper& sleeper) {
  if (!family_) return {};
  family_->kill_all();
  {
    // Stopped processes and those that wait for one another end as well.
    const base::SpinGuard guard(tasks_lock);
    if (vnode_)
      for (PidEntry* entry = vnode_->pids.next(0); entry != nullptr; entry = vnode_->pids.next(entry->pid + 1))
        if (entry->process != nullptr && entry->process->launch == this)
          start_group_exit_locked(*entry->process, {sig::code::cld_killed, sig::kill});
  }
  TRY(family_->wait_until_no_threads(sleeper));
  if (vnode_) {
    vnode_->ipc.segments.family_ended(*family_);
    auto files = vnodes().drop(*vnode_);
    if (files) {
      if (const Answer<> unmounted = unmount_files(*files, sleeper); !unmounted)
        base::log_error("linux_abi", "the root of vNode {} was not left clean: {}", vnode_->id(),
                        errno_name(unmounted.error().number()));
      files.reset();
    }
    vnode_.reset();
  }
  return family_->wait_until_gone(sleeper);
}

}  // namespace linux_abi
