// SPDX-License-Identifier: Apache-2.0
// Contexts of mounts: see mount_context.h.
#include "linux-abi/files/mount_context.h"

#include <linux/fcntl.h>

#include <algorithm>
#include <array>

#include "kernel/base/memory.h"
#include "linux-abi/process/memory_information.h"

namespace linux_abi {
namespace {

base::SpinLock contexts_lock{base::LockRank::Process};
boost::intrusive::list<MountContext, boost::intrusive::constant_time_size<false>> contexts;  // by contexts_lock

constexpr std::array<std::string_view, 6> types{"tmpfs", "ramfs", "proc", "sysfs", "devtmpfs", ""};

// What may be said of any file system and makes no difference to one of these.
constexpr std::array<std::string_view, 8> idle_flags{"sync",       "async", "dirsync", "lazytime",
                                                     "nolazytime", "mand",  "nomand",  "nodirsync"};

Answer<OpenFileReference> make(std::string_view type, PlaceReference root) {
  auto made = base::make<MountContext>(type, std::move(root));
  if (!made) return error(ENOMEM);
  return OpenFileReference(*made.release());
}

}  // namespace

MountContext::MountContext(std::string_view type, PlaceReference root)
    : OpenFile(O_RDWR), type_(type), phase_(root ? Phase::Parameters : Phase::NewParameters), root_(std::move(root)) {
  const base::SpinGuard guard(contexts_lock);
  contexts.push_back(*this);
}

MountContext::~MountContext() {
  const base::SpinGuard guard(contexts_lock);
  contexts.erase(contexts.iterator_to(*this));
}

MountContext* MountContext::of(const OpenFile& file) {
  const base::SpinGuard guard(contexts_lock);
  for (MountContext& each : contexts)
    if (&each == &file) return &each;
  return nullptr;
}

Answer<OpenFileReference> MountContext::create_new(std::string_view type) {
  const auto known = std::find(types.begin(), types.end(), type);
  return type.empty() || known == types.end() ? error(ENODEV) : make(*known, {});
}

Answer<OpenFileReference> MountContext::create_for(const PlaceReference& root) {
  if (!is_mount_root(*root) || root->mount() == nullptr) return error(EINVAL);
  return make(root->mount()->system().type, root);
}

std::size_t MountContext::describe(std::span<char> to, Caller&) {
  constexpr std::string_view name = "anon_inode:[fscontext]";
  return name.copy(to.data(), to.size());
}

Answer<> MountContext::check_takes_parameters() const { return phase_ == Phase::Made ? error(EBUSY) : Answer<>(); }

Answer<bool> MountContext::take_flag(std::string_view name) {
  TRY(check_takes_parameters());
  if (name == "ro" || name == "rw") {
    read_only_ = name == "ro";
    return true;
  }
  return std::find(idle_flags.begin(), idle_flags.end(), name) != idle_flags.end();
}

Answer<> MountContext::add_option(std::string_view name, std::string_view value) {
  constexpr std::size_t most_bytes = 4095;
  base::Array<char> option;
  TRY(option.append(std::span(name)));
  if (!value.empty()) {
    TRY(option.push_back('='));
    TRY(option.append(std::span(value)));
  }
  const std::string_view text(option.data(), option.size());
  if (name.empty() || !is_memory_system(type_) || text.find(',') != std::string_view::npos) return error(EINVAL);
  TRY(MemoryOptions::parse(text, memory_information().total_bytes));
  if (options_.size() + text.size() >= most_bytes) return error(EINVAL);
  if (!options_.empty()) TRY(options_.push_back(','));
  TRY(options_.append(option.span()));
  return {};
}

Answer<> MountContext::set_flag(std::string_view name) {
  const threads::MutexGuard guard(mutex_);
  return TRY(take_flag(name)) ? Answer<>() : add_option(name, {});
}

Answer<> MountContext::set_text(std::string_view name, std::string_view value) {
  const threads::MutexGuard guard(mutex_);
  if (TRY(take_flag(name))) return {};
  if (name != "source") return add_option(name, value);
  if (has_source_) return error(EINVAL);
  TRY(source_.append(std::span(value)));
  has_source_ = true;
  return {};
}

Answer<> MountContext::set_other(std::string_view name) {
  const threads::MutexGuard guard(mutex_);
  return TRY(take_flag(name)) ? Answer<>() : error(EINVAL);
}

Answer<> MountContext::create(Caller& caller) {
  const threads::MutexGuard guard(mutex_);
  if (phase_ != Phase::NewParameters) return error(EBUSY);
  const MountText text{
      .source = {source_.data(), source_.size()}, .type = type_, .options = {options_.data(), options_.size()}};
  made_ = TRY(make_unmounted(caller, text, read_only_.value_or(false)));
  phase_ = Phase::Made;
  return {};
}

Answer<> MountContext::reconfigure(Caller& caller) {
  const threads::MutexGuard guard(mutex_);
  if (phase_ != Phase::Parameters) return error(EBUSY);
  MountedSystem& system = root_ ? root_->mount()->system() : *made_.system;
  const bool read_only = read_only_.value_or(system.read_only.load(std::memory_order_relaxed));
  TRY(change_system(caller, system, {options_.data(), options_.size()}, read_only));
  options_.clear();
  read_only_.reset();
  return {};
}

Answer<PlaceReference> MountContext::mount(Caller& caller, std::uint32_t flags) {
  const threads::MutexGuard guard(mutex_);
  if (!made_.system) return error(EINVAL);
  if (phase_ != Phase::Made) return error(EBUSY);
  PlaceReference root = TRY(mount_nowhere(caller, made_.system, made_.root, flags));
  made_.root.reset();
  options_.clear();
  read_only_.reset();
  phase_ = Phase::Parameters;
  return root;
}

}  // namespace linux_abi
