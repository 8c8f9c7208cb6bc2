// SPDX-License-Identifier: Apache-2.0
// The one list of message types. Dispatch, names in traces, counters, the fuzz corpus and docs/protocol.md come from
// it.
//   X(value, Operation, who serves it)
// Each operation has a fixed-layout request FooRequest and reply FooReply (files beside this one) with static_asserts
// on their sizes and offsets; variable parts follow the request or reply ("tail"), large ones go by RDMA WRITE into the
// requester's registered memory ("bulk"). Values are part of the protocol: never renumber; bump protocol_version
// instead.
#pragma once

#include <cstdint>
#include <string_view>

namespace messages {

inline constexpr std::uint16_t protocol_version = 3;

#define LEGO_OPERATIONS(X)                                                                          \
  /* membership: every component and client -> managers */                                          \
  X(1, Join, Managers)                                                                              \
  X(2, JoinProve, Managers)                                                                         \
  X(3, Heartbeat, Managers)                                                                         \
  X(4, NodeLookup, Managers)                                                                        \
  X(5, NodeList, Managers)                                                                          \
  X(6, Leave, Managers)                                                                             \
  /* vNodes, programs, vRegions: clients and components -> managers */                              \
  X(16, VNodeCreate, Managers)                                                                      \
  X(17, VNodeDestroy, Managers)                                                                     \
  X(18, LaunchAssign, Managers)                                                                     \
  X(19, LaunchEnd, Managers)                                                                        \
  X(20, VRegionAssign, Managers)                                                                    \
  X(21, VRegionRelease, Managers)                                                                   \
  /* any client -> any component */                                                                 \
  X(32, StatsRead, Component)                                                                       \
  /* programs and their consoles: client -> pComponent */                                           \
  X(48, ProgramStart, Processor)                                                                    \
  X(49, ConsoleRead, Processor)                                                                     \
  X(50, ConsoleWrite, Processor)                                                                    \
  X(51, ConsoleResize, Processor)                                                                   \
  X(52, ConsoleSignal, Processor)                                                                   \
  X(53, ProgramRelease, Processor)                                                                  \
  /* notices: mComponent -> pComponent, one way */                                                  \
  X(56, MemoryPressure, Processor)                                                                  \
  /* address spaces and pages: pComponent -> mComponent */                                          \
  X(64, SpaceCreate, Memory)                                                                        \
  X(65, SpaceFork, Memory)                                                                          \
  X(66, SpaceDestroy, Memory)                                                                       \
  X(67, SpaceMap, Memory)                                                                           \
  X(68, SpaceUnmap, Memory)                                                                         \
  X(69, SpaceProtect, Memory)                                                                       \
  X(70, SpaceRemap, Memory)                                                                         \
  X(71, SpaceBreak, Memory)                                                                         \
  X(72, SpaceDiscard, Memory)                                                                       \
  X(73, SpaceLoad, Memory)                                                                          \
  X(74, ObjectCreate, Memory)                                                                       \
  X(75, ObjectRelease, Memory)                                                                      \
  X(76, PageFetch, Memory)                                                                          \
  X(77, PageWriteBack, Memory)                                                                      \
  X(78, FrameReserve, Memory)                                                                       \
  X(79, SpacePageMove, Memory)                                                                      \
  X(80, SpaceChanges, Memory)                                                                       \
  /* files: pComponent -> mComponent (file = ObjectId), mComponent -> sComponent (file = FileId) */ \
  X(96, FileMount, MemoryAndStorage)                                                                \
  X(97, FileLookup, MemoryAndStorage)                                                               \
  X(98, FileGetAttributes, MemoryAndStorage)                                                        \
  X(99, FileSetAttributes, MemoryAndStorage)                                                        \
  X(100, FileCreate, MemoryAndStorage)                                                              \
  X(101, FileUnlink, MemoryAndStorage)                                                              \
  X(102, FileRename, MemoryAndStorage)                                                              \
  X(103, FileLink, MemoryAndStorage)                                                                \
  X(104, FileReadLink, MemoryAndStorage)                                                            \
  X(105, FileReadDirectory, MemoryAndStorage)                                                       \
  X(106, FileRead, MemoryAndStorage)                                                                \
  X(107, FileWrite, MemoryAndStorage)                                                               \
  X(108, FileSync, MemoryAndStorage)                                                                \
  X(109, FileHold, MemoryAndStorage)                                                                \
  X(110, FileRelease, MemoryAndStorage)                                                             \
  X(111, FileStatistics, MemoryAndStorage)                                                          \
  X(112, FileReserve, MemoryAndStorage)                                                             \
  X(113, FileUnmount, MemoryAndStorage)                                                             \
  X(114, FileListXattrs, MemoryAndStorage)                                                          \
  X(115, FileSetXattr, MemoryAndStorage)                                                            \
  X(116, FilePunch, MemoryAndStorage)                                                               \
  X(117, FileExtent, MemoryAndStorage)                                                              \
  X(118, FileLimit, Memory)

enum class Operation : std::uint16_t {
#define X(value, name, server) name = value,
  LEGO_OPERATIONS(X)
#undef X
};

// Empty for a number that is no operation.
constexpr std::string_view operation_name(std::uint16_t operation) {
  switch (operation) {
#define X(value, name, server) \
  case value:                  \
    return #name;
    LEGO_OPERATIONS(X)
#undef X
    default:
      return {};
  }
}

enum class ComponentKind : std::uint8_t { Processor = 1, Memory = 2, Storage = 3, Client = 4, Managers = 5 };

// UDP-like service numbers that components listen on with the connection manager.
inline constexpr std::uint16_t managers_port = 7000;
inline constexpr std::uint16_t component_port = 7001;

}  // namespace messages
