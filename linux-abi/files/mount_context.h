// SPDX-License-Identifier: Apache-2.0
// A file system on its way to being mounted (fsopen(2)), or a mounted one whose parameters are to change (fspick(2)):
// an open file that collects parameters until they are used. What is made of it is a mount without a place in the tree,
// which a descriptor holds until it is given one. One mutex each; a list of all tells such a file from others.
#pragma once

#include <boost/intrusive/list.hpp>
#include <optional>

#include "linux-abi/files/mounting.h"
#include "linux-abi/files/open_file.h"
#include "linux-abi/files/tree.h"

namespace linux_abi {

class MountContext final : public OpenFile, public boost::intrusive::list_base_hook<> {
 public:
  // ENODEV: there is no such file system.
  static Answer<OpenFileReference> create_new(std::string_view type);
  // Of what is mounted at `root`; EINVAL: nothing is.
  static Answer<OpenFileReference> create_for(const PlaceReference& root);
  // nullptr: it is another kind of file.
  static MountContext* of(const OpenFile& file);
  MountContext(std::string_view type, PlaceReference root);  // for the two above
  ~MountContext() override;

  // EINVAL: no such parameter, or a value it cannot have; EBUSY: not now.
  Answer<> set_flag(std::string_view name);
  Answer<> set_text(std::string_view name, std::string_view value);
  // Of a kind that only flags are taken of, whatever comes with them.
  Answer<> set_other(std::string_view name);
  Answer<> create(Caller& caller);
  Answer<> reconfigure(Caller& caller);
  // The root of a mount that is nowhere. EINVAL: there is no file system yet; EBUSY: it has been made already.
  Answer<PlaceReference> mount(Caller& caller, std::uint32_t flags);

  // Messages: there never is one.
  Answer<std::size_t> read(std::span<std::byte>, Caller&) override { return error(ENODATA); }
  Answer<FileStatus> status(Caller&) override { return FileStatus{.mode = 0600}; }
  std::size_t describe(std::span<char> to, Caller& caller) override;

 private:
  enum class Phase : std::uint8_t { NewParameters, Made, Parameters };
  void close() override { base::Own<MountContext>(this).reset(); }
  Answer<bool> take_flag(std::string_view name);  // whether it is one
  Answer<> add_option(std::string_view name, std::string_view value);
  Answer<> check_takes_parameters() const;

  const std::string_view type_;  // of static storage
  threads::Mutex mutex_;         // guards the rest
  Phase phase_;
  PlaceReference root_;  // of what was picked
  base::Array<char> source_, options_;
  bool has_source_ = false;
  std::optional<bool> read_only_;
  SystemRoot made_;
};

}  // namespace linux_abi
