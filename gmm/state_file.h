// SPDX-License-Identifier: Apache-2.0
// The managers' counters in a small text file, replaced as a whole: a crash leaves the old one or the new one.
#pragma once

#include <string>

#include "gmm/managers.h"

namespace gmm {

class StateFile final : public StateStore {
 public:
  explicit StateFile(std::string path) : path_(std::move(path)) {}
  // A file that is not there: Counters{}. Malformed: it is not ours.
  Result<Counters> load() const;
  Result<> save(const Counters& counters) override;

 private:
  std::string path_;
};

}  // namespace gmm
