// SPDX-License-Identifier: Apache-2.0
// A terminal: that of a launch whose client has one (keys come from ConsoleWrite, what is shown goes out as console
// output), or the slave of a pseudo-terminal (keys come from the master's writes, what is shown is for its reads). Its
// controlling session, foreground group and window are Linux's. Lives while it is open or is some session's.
#pragma once

#include "linux-abi/console/terminal.h"
#include "linux-abi/files/pipe_buffer.h"
#include "linux-abi/terminal/line_discipline.h"
#include "linux-abi/terminal/packet_mode.h"

namespace linux_abi {

class TerminalDevice final : public Terminal, public processor::Counted {
 public:
  // Output goes into `output`, which outlives the terminal.
  static Answer<processor::Reference<TerminalDevice>> create(PipeBuffer& output);
  explicit TerminalDevice(PipeBuffer& output) : output_(output) {}  // for create()
  // With an output of its own, which the master reads. number: of /dev/pts/N.
  static Answer<processor::Reference<TerminalDevice>> create_slave(int number);
  TerminalDevice(base::Own<PipeBuffer> output, int number);  // for create_slave()

  // The client's side; any context without locks. keys: how many were taken; output().source() tells when there is
  // room for more.
  std::size_t keys(std::span<const std::byte> bytes);
  void no_more_keys();
  // Somebody has read from the output.
  void output_taken() { source_.notify(writable_events); }
  void resize(WindowSize size);
  // To the foreground group.
  void signal(int number);
  // The master is gone: reads end, writes are EIO, and the session loses its terminal with SIGHUP.
  void hang_up();
  PipeBuffer& output() { return output_; }

  // The master's side. EIO: nobody has the slave open.
  Answer<std::size_t> read_output(std::span<std::byte> to, bool non_blocking, Caller& caller);
  // As keys(), but waits for room.
  Answer<std::size_t> write_keys(std::span<const std::byte> from, bool non_blocking, Caller& caller);
  std::uint32_t master_events();
  bool packet_mode() const { return packets_.on(); }
  void set_packet_mode(bool on);
  // tcflush(3) of what the master has not read.
  void discard_output();

  // N of /dev/pts/N; -1: the console.
  int number() const { return number_; }
  void become_controlling(Caller& caller);  // open(2) without O_NOCTTY by a session's leader that has none
  // The program's session gets it.
  void make_controlling_locked(Process& leader);
  // TIOCEXCL: nobody but who administrates the system may open it again.
  bool is_exclusive();

  // Terminal
  std::uint64_t device() const override;
  int foreground_locked() const override { return foreground_; }
  void session_ended_locked(Process& leader) override;
  Answer<OpenFileReference> open(int flags, PlaceReference place) override;

  // For open files.
  Answer<std::size_t> read(std::span<std::byte> to, bool non_blocking, Caller& caller);
  Answer<std::size_t> write(std::span<const std::byte> from, bool non_blocking, Caller& caller);
  // Through the master everybody may ask whose terminal it is.
  enum class Side : std::uint8_t { Slave, Master };
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller, Side side = Side::Slave);
  void file_closed();
  std::uint32_t events();
  PollSource& source() { return source_; }

  void last_reference_gone();

 private:
  static constexpr std::uint32_t writable_events = 0x104;  // POLLOUT | POLLWRNORM

  Answer<> check_foreground(Caller& caller, int signal);
  void show(std::span<const char> text);
  void detach_locked();
  // Changes the line or its flow under the lock; then tells who waits for what came of it.
  template <typename Change>
  void change_line(Change change);
  TerminalSettings settings();
  Answer<std::uint64_t> give_settings(std::uint32_t request, std::uint64_t argument, Caller& caller);
  Answer<std::uint64_t> take_settings(std::uint32_t request, std::uint64_t argument, Caller& caller);
  Answer<std::uint64_t> control_owner(std::uint32_t request, std::uint64_t argument, Caller& caller, Side side);
  Answer<std::uint64_t> control_flow(std::uint32_t request, std::uint64_t argument, Caller& caller, Side side);
  Answer<> make_foreground_locked(int group, Process& process, Side side);
  Answer<> type_for(std::uint64_t argument, Caller& caller);

  const base::Own<PipeBuffer> own_output_;
  PipeBuffer& output_;
  const int number_ = -1;
  bool opened_ = false;                           // a slave once was; before that its writer stands for it
  base::SpinLock lock_{base::LockRank::Process};  // guards all below up to source_
  LineDiscipline line_;
  TerminalSpeeds speeds_;
  WindowSize window_;
  PacketMode packets_;
  base::Array<char> held_echo_;  // while the output stands still
  bool exclusive_ = false;
  base::WaitQueue readable_;  // there is something to read, or another byte
  base::WaitQueue writable_;  // the output goes on
  base::WaitQueue has_room_;  // for keys
  PollSource source_;
  // Guarded by tasks_lock.
  VNode* vnode_ = nullptr;
  int session_ = 0;
  int foreground_ = 0;
};

// A change of the flow is for a master in packet mode, writers and pollers; room for keys is for who types.
template <typename Change>
void TerminalDevice::change_line(Change change) {
  bool flow_changed = false, got_room = false;
  {
    const base::SpinGuard guard(lock_);
    const bool was_stopped = line_.flow.stopped(), was_full = !line_.has_room();
    change();
    got_room = was_full && line_.has_room();
    if (got_room) has_room_.wake_all();
    flow_changed = line_.flow.stopped() != was_stopped;
    if (flow_changed) packets_.note(was_stopped ? packet_status::started : packet_status::stopped);
    if (flow_changed && was_stopped) writable_.wake_all();
  }
  if (packets_.pending().load(std::memory_order_relaxed) != 0) output_.wake_readers(0);
  if (got_room) output_.source().notify(writable_events);
  if (!flow_changed) return;
  show({});
  source_.notify(writable_events);
}

}  // namespace linux_abi
