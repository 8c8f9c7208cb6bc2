// SPDX-License-Identifier: Apache-2.0
// Who runs the program of tools/bench/abi_program: a vNode of a rack of one component of each kind, and a stock Linux
// guest in the same QEMU, with as many cores. Both stay up from the first measurement to the last, and start a process
// for each. Throw support::Failure with what went wrong.
#pragma once

#include <filesystem>
#include <string>

#include "tools/bench/abi_report.h"
#include "tools/machines/linux_peer.h"
#include "tools/machines/switch.h"
#include "tools/support/conversation.h"
#include "tools/support/folder.h"

namespace bench {

class AbiSubject {
 public:
  virtual ~AbiSubject() = default;
  virtual AbiMeasured measure(const std::string& name, unsigned milliseconds) = 0;
};

class VNodeSubject final : public AbiSubject {
 public:
  // lego: the program; it boots the rack.
  VNodeSubject(const std::filesystem::path& lego, const std::filesystem::path& program);
  AbiMeasured measure(const std::string& name, unsigned milliseconds) override;

 private:
  support::Folder folder_;
  support::Conversation shell_;
};

class LinuxSubject final : public AbiSubject {
 public:
  explicit LinuxSubject(const std::filesystem::path& program);
  AbiMeasured measure(const std::string& name, unsigned milliseconds) override;
  std::string kernel();  // "Linux 6.1.0-18-amd64"

 private:
  machines::Switch switch_;
  machines::LinuxPeer guest_;
};

}  // namespace bench
