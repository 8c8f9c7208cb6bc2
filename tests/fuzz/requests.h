// SPDX-License-Identifier: Apache-2.0
// Requests of every operation, made out of bytes: mostly ones that make sense, with the ids that earlier answers told,
// so that handlers are entered and find something; then damaged, now and then until nothing is right about them.
#pragma once

#include <vector>

#include "net/fuzz/choices.h"
#include "net/messages/operations.h"

namespace fuzz {

// Numbers seen in the latest answers, by what they name.
class Known {
 public:
  void learn(messages::Operation operation, std::span<const std::byte> reply_body);
  std::uint64_t space(Choices& choices) const { return spaces_.any(choices); }
  std::uint64_t file(Choices& choices) const { return files_.any(choices); }
  std::uint64_t any(Choices& choices) const;
  // Of the caller itself, which no answer tells.
  std::uint64_t own_boot_id = 0;
  std::uint32_t own_ip = 0;
  std::uint64_t program = 0;  // a file that can be loaded

 private:
  struct Ring {
    explicit Ring(std::size_t count) : most(count) {}
    void add(std::uint64_t number);
    std::uint64_t any(Choices& choices) const;
    const std::size_t most;
    std::vector<std::uint64_t> numbers;
    std::size_t next = 0;
  };
  Ring spaces_{5};
  Ring files_{12};
  Ring others_{40};
};

struct Message {
  messages::Operation operation{};
  std::vector<std::byte> body;
  std::vector<std::byte> tail;
};

// The same choices and knowledge make the same message.
Message make_message(messages::Operation operation, Choices& choices, const Known& known);

}  // namespace fuzz
