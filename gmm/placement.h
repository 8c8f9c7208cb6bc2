// SPDX-License-Identifier: Apache-2.0
// Who gets the next thing of a kind: in turn, but passing over those that are short of memory while others are not.
// Load as last told is too old to balance by alone (everything between two heartbeats would go to one node); turns
// spread.
#pragma once

#include "gmm/node_table.h"

namespace gmm {

class Turn {
 public:
  explicit Turn(messages::ComponentKind kind) : kind_(kind) {}

  // NoDevice: no living node of the kind.
  Result<Node*> next(NodeTable& nodes) {
    Node* chosen = nodes.after(last_, kind_);
    if (chosen == nullptr) return base::fail(Error::NoDevice);
    for (const base::NodeId first = chosen->id; is_short(*chosen);) {
      chosen = nodes.after(chosen->id, kind_);
      if (chosen->id == first) break;  // all are
    }
    last_ = chosen->id;
    return chosen;
  }

  // An mComponent with less than an eighth of its frames free.
  static bool is_short(const Node& node) {
    return node.kind == messages::ComponentKind::Memory && node.frames_free < node.frames_total / 8;
  }

 private:
  messages::ComponentKind kind_;
  base::NodeId last_;
};

}  // namespace gmm
