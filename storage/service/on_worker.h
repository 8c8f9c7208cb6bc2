// SPDX-License-Identifier: Apache-2.0
// How FileService gets to the file system; for its own source files only.
#pragma once

#include <utility>

#include "storage/service/file_service.h"

namespace storage {

template <typename Function>
auto FileService::on_worker(Function function) {
  using Result = std::invoke_result_t<Function&, FileSystem&>;
  return run(loop_, worker_, [this, function = std::move(function)]() mutable -> Result {
    if (!system_) return base::fail(base::Error::Stale);
    return function(*system_);
  });
}

template <typename Function>
auto FileService::look(const rpc::ServerCall& call, Function function) {
  using Result = std::invoke_result_t<Function&, FileSystem&>;
  const bool permitted = clients_.has_mount(call.peer().boot_id);
  return on_worker([permitted, function = std::move(function)](FileSystem& system) mutable -> Result {
    if (!permitted) return base::fail(base::Error::NotPermitted);
    return function(system);
  });
}

template <typename Function>
auto FileService::change(const rpc::ServerCall& call, Function function) {
  write_back_soon();
  return look(call, std::move(function));
}

}  // namespace storage
