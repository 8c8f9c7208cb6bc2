// SPDX-License-Identifier: Apache-2.0
// Programs and their consoles: what a client (the lego command) asks of a pComponent, and counters of any component.
// The console is flow-controlled by construction: output travels only in replies to ConsoleRead, and input is held by
// the client until ConsoleWrite has been accepted.
#pragma once

#include "net/messages/membership.h"

namespace messages {

struct StatsReadReply {  // bulk: JSON text of this component's counters, cut at the bulk capacity
  le32 bytes;
  le32 total_bytes;
};
struct StatsReadRequest {
  static constexpr Operation operation = Operation::StatsRead;
  using Reply = StatsReadReply;
  le64 reserved;
  bool validate() const { return reserved == 0; }
};

struct ProgramStartReply {
  le32 pid;
  le32 reserved;
};
// Tail: argc + envc + 2 strings, each ended by a zero byte: working directory, program, argv[0..argc), envp[0..envc).
// A program that cannot be started is not an error of this message: ConsoleRead tells status 127 or 126.
struct ProgramStartRequest {
  static constexpr Operation operation = Operation::ProgramStart;
  using Reply = ProgramStartReply;
  le64 launch;
  le64 vnode;
  le32 home_memory;
  le32 home_memory_ip;
  le64 home_memory_boot_id;
  le32 storage;  // the sComponent with the vNode's root
  le32 storage_ip;
  le64 storage_boot_id;
  le32 uid;
  le32 gid;
  le16 rows;  // of the client's terminal
  le16 columns;
  le32 terminals;  // bit n: descriptor n is a terminal outside, and so is one in the vNode
  le32 argc;
  le32 envc;
  le32 trace;  // bit 0: system calls, 1: rpc, 2: excache; on the client's stderr
  le32 kept;   // bit 0: /tmp, 1: /run stay on the disk, whatever the root holds there
  Name hostname{};
  bool validate() const {
    return kept <= 3 && launch != 0 && vnode != 0 && argc > 0 && terminals <= 7 && trace <= 7 && hostname.back() == 0;
  }
};
static_assert(sizeof(ProgramStartRequest) == 144 && Body<ProgramStartRequest>);

enum class ConsoleEvent : std::uint32_t {
  Output = 1,    // bytes of stream in the reply's tail
  Exited = 2,    // the program ended: code is its exit status
  Signaled = 3,  // signal `code` killed it
  Failed = 4,    // it could not be started: code is 126 or 127; the tail holds one line that says why
};
struct ConsoleReadReply {
  le32 event;
  le32 stream;  // Output: 1 or 2 (trace lines are on 2)
  le32 bytes;
  le32 code;
  le64 wall_ns;  // Exited, Signaled: of the program
  le64 user_ns;
  le64 system_ns;
};
// Answered when there is something to tell; the client keeps one or more outstanding. Output is in the tail, not in the
// bulk, because the server must be able to repeat the very same answer after a reconnect. Exited and Signaled come
// after all output, and are told again to each later ConsoleRead until ProgramRelease.
struct ConsoleReadRequest {
  static constexpr Operation operation = Operation::ConsoleRead;
  using Reply = ConsoleReadReply;
  le64 launch;
  bool validate() const { return launch != 0; }
};
static_assert(sizeof(ConsoleReadReply) == 40);

// Answered when the bytes (tail) are in the vNode's terminal or pipe; bytes 0 with end_of_file: stdin ended.
struct ConsoleWriteRequest {
  static constexpr Operation operation = Operation::ConsoleWrite;
  using Reply = EmptyReply;
  le64 launch;
  le32 bytes;
  le32 end_of_file;
  bool validate() const { return launch != 0 && end_of_file <= 1; }
};

struct ConsoleResizeRequest {
  static constexpr Operation operation = Operation::ConsoleResize;
  using Reply = EmptyReply;
  le64 launch;
  le16 rows;
  le16 columns;
  le32 reserved;
  bool validate() const { return launch != 0 && reserved == 0; }
};

struct ConsoleSignalRequest {  // to the program's foreground process group; Linux's numbers
  static constexpr Operation operation = Operation::ConsoleSignal;
  using Reply = EmptyReply;
  le64 launch;
  le32 signal;
  le32 reserved;
  bool validate() const { return launch != 0 && reserved == 0 && signal >= 1 && signal <= 64; }
};

// Ends what is left of the launch's family; answered when everything it had is released on all components.
struct ProgramReleaseRequest {
  static constexpr Operation operation = Operation::ProgramRelease;
  using Reply = EmptyReply;
  le64 launch;
  bool validate() const { return launch != 0; }
};

}  // namespace messages
