// SPDX-License-Identifier: Apache-2.0
// Two mComponents' images on the switch, whose verbs test services (net/verbs_test) are told over their control
// connections what to do with one another. Throws support::Failure with what went wrong.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tools/bench/measurement.h"

namespace bench {

class ImagePair final : public Subject {
 public:
  struct Sockets {
    std::filesystem::path server;
    std::filesystem::path client;
    std::filesystem::path control;  // this program's own
  };
  ImagePair(const std::filesystem::path& image, const Sockets& sockets);
  ~ImagePair() override;

  // Boots both, and returns at once; connect() waits for them.
  void boot();
  void connect();
  Measured measure(const Cell& cell, const Effort& effort) override;
  // What the images have said of their ICRC ("slice-by-16"), for the record.
  std::string icrc_method() const;

 private:
  class Control;
  struct Machines;
  std::unique_ptr<Machines> machines_;
  std::filesystem::path control_socket_;
  std::unique_ptr<Control> control_;
};

}  // namespace bench
