// SPDX-License-Identifier: Apache-2.0
// Masters of pseudo-terminals, and the table of slaves: see pseudo_terminal.h.
#include "linux-abi/console/pseudo_terminal.h"

#include <asm/fcntl.h>
#include <asm/poll.h>

#include <algorithm>
#include <array>

#include "kernel/base/memory.h"
#include "linux-abi/console/terminal_device.h"
#include "linux-abi/files/descriptor_table.h"
#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/user_values.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

// ioctl(2) of masters (ioctl_tty(2)).
namespace request_number {
constexpr std::uint32_t get_number = 0x80045430, set_lock = 0x40045431, get_lock = 0x80045439, get_slave = 0x5441,
                        in_queue = 0x541b, flush = 0x540b, set_packet_mode = 0x5420, get_packet_mode = 0x80045438,
                        send_signal = 0x40045436;
}

struct Slave {
  VNode* vnode = nullptr;
  TerminalDevice* terminal = nullptr;  // nullptr: free. The master has a reference
  PseudoSlave facts;
  bool locked = true;
};
base::SpinLock slaves_lock{base::LockRank::Poll};
std::array<Slave, 256> slaves;  // guarded by slaves_lock

VNode& vnode_of(Caller& caller) { return static_cast<Thread&>(caller).process().vnode(); }

class MasterFile final : public PlacedFile {
 public:
  MasterFile(processor::Reference<TerminalDevice> terminal, int flags, PlaceReference place)
      : PlacedFile(flags, std::move(place)), terminal_(std::move(terminal)) {}

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override {
    return terminal_->read_output(to, non_blocking(), caller);
  }
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override {
    return terminal_->write_keys(from, non_blocking(), caller);
  }
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override;
  std::uint32_t poll_events() override { return terminal_->master_events(); }
  PollSource* poll_source() override { return &terminal_->output().source(); }
  bool is_terminal() const override { return true; }

 private:
  void close() override {
    {
      const base::SpinGuard guard(slaves_lock);
      slaves[static_cast<std::size_t>(terminal_->number())] = {};
    }
    terminal_->hang_up();
    base::Own<MasterFile>(this).reset();
  }

  processor::Reference<TerminalDevice> terminal_;
};

Answer<std::uint64_t> MasterFile::control(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  Slave& slave = slaves[static_cast<std::size_t>(terminal_->number())];
  switch (request) {
    case request_number::get_number:
      return copy_value_out(caller, argument, terminal_->number());
    case request_number::set_lock: {
      const std::int32_t locked = TRY(copy_value_in<std::int32_t>(caller, argument));
      const base::SpinGuard guard(slaves_lock);
      slave.locked = locked != 0;
      return std::uint64_t{0};
    }
    case request_number::get_lock: {
      bool locked = false;
      {
        const base::SpinGuard guard(slaves_lock);
        locked = slave.locked;
      }
      return copy_value_out(caller, argument, locked ? 1 : 0);
    }
    case request_number::get_slave: {
      const int flags = static_cast<int>(argument);
      OpenFileReference file = TRY(terminal_->open(flags & (O_ACCMODE | O_NONBLOCK), {}));
      if ((flags & O_NOCTTY) == 0) terminal_->become_controlling(caller);
      const auto close_on_exec = (flags & O_CLOEXEC) != 0 ? CloseOnExec::Yes : CloseOnExec::No;
      const std::uint64_t limit = static_cast<Thread&>(caller).limit(static_cast<int>(Resource::Files));
      return static_cast<std::uint64_t>(TRY(caller.descriptors().install(
          std::move(file), close_on_exec, static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, UINT32_MAX)))));
    }
    case request_number::in_queue:
      return copy_value_out(caller, argument, static_cast<std::int32_t>(terminal_->output().bytes()));
    case request_number::set_packet_mode:
      terminal_->set_packet_mode(TRY(copy_value_in<std::int32_t>(caller, argument)) != 0);
      return std::uint64_t{0};
    case request_number::get_packet_mode:
      return copy_value_out(caller, argument, terminal_->packet_mode() ? 1 : 0);
    case request_number::flush: {
      constexpr std::uint64_t output_only = 1, largest = 2;
      if (argument > largest) return error(EINVAL);
      if (argument != output_only) terminal_->discard_output();
      return std::uint64_t{0};
    }
    case request_number::send_signal:
      if (argument != sig::intr && argument != sig::quit && argument != sig::tstp) return error(EINVAL);
      terminal_->signal(static_cast<int>(argument));
      return std::uint64_t{0};
    default:
      return terminal_->control(request, argument, caller, TerminalDevice::Side::Master);
  }
}

// A free number; the entry is filled in later, so that nobody finds it before.
Answer<processor::Reference<TerminalDevice>> add_slave(Caller& caller) {
  for (std::size_t number = 0; number < slaves.size(); ++number) {
    {
      const base::SpinGuard guard(slaves_lock);
      if (slaves[number].terminal != nullptr) continue;
    }
    auto terminal = TRY(TerminalDevice::create_slave(static_cast<int>(number)));
    const base::SpinGuard guard(slaves_lock);
    if (slaves[number].terminal != nullptr) continue;  // another thread was faster
    const Credentials& user = caller.credentials();
    const PseudoSlave facts{.number = static_cast<int>(number), .uid = user.file_uid, .gid = user.file_gid};
    slaves[number] = {&vnode_of(caller), terminal.get(), facts, true};
    return terminal;
  }
  return error(ENOSPC);
}

}  // namespace

Answer<OpenFileReference> open_pseudo_master(int flags, PlaceReference place, Caller& caller) {
  auto terminal = TRY(add_slave(caller));
  const auto number = static_cast<std::size_t>(terminal->number());
  auto file = base::make<MasterFile>(std::move(terminal), flags, std::move(place));
  if (file) return OpenFileReference(*file.release());
  const base::SpinGuard guard(slaves_lock);
  slaves[number] = {};
  return error(ENOMEM);
}

Answer<OpenFileReference> open_pseudo_slave(int number, int flags, PlaceReference place, bool controlling,
                                            Caller& caller) {
  if (number < 0 || static_cast<std::size_t>(number) >= slaves.size()) return error(ENXIO);
  processor::Reference<TerminalDevice> terminal;
  {
    const base::SpinGuard guard(slaves_lock);
    const Slave& slave = slaves[static_cast<std::size_t>(number)];
    if (slave.terminal == nullptr || slave.vnode != &vnode_of(caller)) return error(ENXIO);
    if (slave.locked) return error(EIO);
    terminal = processor::Reference<TerminalDevice>(*slave.terminal);
  }
  if (terminal->is_exclusive() && !caller.credentials().may(Capability::Administration)) return error(EBUSY);
  OpenFileReference file = TRY(terminal->open(flags, std::move(place)));
  if (controlling) terminal->become_controlling(caller);
  return file;
}

bool next_pseudo_slave(int from, Caller& caller, PseudoSlave& slave) {
  const base::SpinGuard guard(slaves_lock);
  for (auto number = static_cast<std::size_t>(std::max(from, 0)); number < slaves.size(); ++number) {
    if (slaves[number].terminal == nullptr || slaves[number].vnode != &vnode_of(caller)) continue;
    slave = slaves[number].facts;
    return true;
  }
  return false;
}

Answer<PseudoSlave> find_pseudo_slave(int number, Caller& caller) {
  PseudoSlave slave;
  if (number < 0 || !next_pseudo_slave(number, caller, slave) || slave.number != number) return error(ENOENT);
  return slave;
}

Answer<> change_pseudo_slave(int number, const AttributeChange& change, Caller& caller) {
  TRY(find_pseudo_slave(number, caller));
  const base::SpinGuard guard(slaves_lock);
  PseudoSlave& facts = slaves[static_cast<std::size_t>(number)].facts;
  if (change.set_mode) facts.permissions = change.mode;
  if (change.set_uid) facts.uid = change.uid;
  if (change.set_gid) facts.gid = change.gid;
  return {};
}

}  // namespace linux_abi
