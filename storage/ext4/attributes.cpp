// SPDX-License-Identifier: Apache-2.0
// Inode fields: see attributes.h. A time is 32 bits of seconds, and in inodes with room for it 2 more bits of seconds
// above them and 30 of nanoseconds (Linux's Documentation/filesystems/ext4/inodes.rst).
#include "storage/ext4/attributes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace ext4 {

namespace {

constexpr std::int64_t second = 1000000000;
// The disk counts on until 2446; nanoseconds in 64 bits, as requests have them, end in 2262.
constexpr std::int64_t latest_whole_second = INT64_MAX / second - 1;

bool has_field(Volume& volume, const Inode& inode, std::size_t field_end) {
  return EXT2_INODE_SIZE(&volume.super()) > EXT2_GOOD_OLD_INODE_SIZE &&
         std::size_t{EXT2_GOOD_OLD_INODE_SIZE} + inode.disk.i_extra_isize >= field_end;
}

#define LEGO_HAS_FIELD(volume, inode, field) \
  has_field(volume, inode, offsetof(ext2_inode_large, field) + sizeof(inode.disk.field))

storage::Time decode(std::uint32_t seconds, std::uint32_t extra) {
  const std::int64_t whole = static_cast<std::int32_t>(seconds) + (static_cast<std::int64_t>(extra & 3) << 32);
  return std::min(whole, latest_whole_second) * second + (extra >> 2) % second;
}

struct Encoded {
  std::uint32_t seconds;
  std::uint32_t extra;
};

Encoded encode(storage::Time time, bool has_extra) {
  std::int64_t whole = time / second;
  std::int64_t rest = time % second;
  if (rest < 0) {
    rest += second;
    --whole;
  }
  const std::int64_t latest = has_extra ? std::int64_t{0x37fffffff} : std::int64_t{0x7fffffff};
  if (whole > latest) whole = latest;
  if (whole < -0x80000000LL) whole = -0x80000000LL;
  const auto low = static_cast<std::uint32_t>(whole);
  const std::int64_t epoch = (whole - static_cast<std::int32_t>(low)) >> 32;
  return {low, static_cast<std::uint32_t>((epoch & 3) | rest << 2)};
}

}  // namespace

#define LEGO_SET_TIME(function, field)                                   \
  void function(Volume& volume, Inode& inode, storage::Time time) {      \
    const bool has_extra = LEGO_HAS_FIELD(volume, inode, field##_extra); \
    const Encoded encoded = encode(time, has_extra);                     \
    inode.disk.field = encoded.seconds;                                  \
    if (has_extra) inode.disk.field##_extra = encoded.extra;             \
  }
LEGO_SET_TIME(set_access_time, i_atime)
LEGO_SET_TIME(set_modify_time, i_mtime)
LEGO_SET_TIME(set_change_time, i_ctime)
#undef LEGO_SET_TIME

void set_creation_time(Volume& volume, Inode& inode, storage::Time time) {
  if (!LEGO_HAS_FIELD(volume, inode, i_crtime_extra)) return;
  const Encoded encoded = encode(time, true);
  inode.disk.i_crtime = encoded.seconds;
  inode.disk.i_crtime_extra = encoded.extra;
}

void set_owner(Inode& inode, std::uint32_t uid, std::uint32_t gid) {
  inode.disk.i_uid = static_cast<std::uint16_t>(uid);
  inode.disk.osd2.linux2.l_i_uid_high = static_cast<std::uint16_t>(uid >> 16);
  inode.disk.i_gid = static_cast<std::uint16_t>(gid);
  inode.disk.osd2.linux2.l_i_gid_high = static_cast<std::uint16_t>(gid >> 16);
}

// The first word takes small numbers in the old way, the second all others, in the way of dev_t.
void set_device(Inode& inode, std::uint64_t device) {
  const std::uint64_t major = (device >> 8) & 0xfff, minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  const bool small = major < 256 && minor < 256;
  inode.disk.i_block[0] = small ? static_cast<std::uint32_t>(major << 8 | minor) : 0;
  inode.disk.i_block[1] = small ? 0 : static_cast<std::uint32_t>(device);
}

storage::Attributes attributes_of(Volume& volume, const Inode& inode) {
  const ext2_inode_large& disk = inode.disk;
  storage::Attributes attributes;
  attributes.file = inode.id();
  attributes.inode = inode.number();
  attributes.size = inode.size();
  attributes.blocks =
      ext2fs_get_stat_i_blocks(volume.library(), reinterpret_cast<ext2_inode*>(const_cast<ext2_inode_large*>(&disk)));
  if (inode.is_device()) attributes.device = disk.i_block[0] != 0 ? disk.i_block[0] : disk.i_block[1];
  attributes.mode = disk.i_mode;
  attributes.links = disk.i_links_count;
  attributes.uid = inode_uid(disk);
  attributes.gid = inode_gid(disk);
  attributes.generation = disk.i_generation;
  attributes.access_time = decode(disk.i_atime, LEGO_HAS_FIELD(volume, inode, i_atime_extra) ? disk.i_atime_extra : 0);
  attributes.modify_time = decode(disk.i_mtime, LEGO_HAS_FIELD(volume, inode, i_mtime_extra) ? disk.i_mtime_extra : 0);
  attributes.change_time = decode(disk.i_ctime, LEGO_HAS_FIELD(volume, inode, i_ctime_extra) ? disk.i_ctime_extra : 0);
  return attributes;
}

storage::Attributes attributes_without_a_name(Volume& volume, const Inode& inode, storage::Time now) {
  storage::Attributes attributes = attributes_of(volume, inode);
  attributes.links = inode.is_directory() ? 0 : inode.links() - 1U;
  attributes.change_time = now;
  return attributes;
}

}  // namespace ext4
