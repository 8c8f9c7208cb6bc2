// SPDX-License-Identifier: Apache-2.0
// The journal of an image: the file that it is, and its replay ahead of a mount.
#pragma once

#include <ext2fs/ext2fs.h>

#include "storage/ext4/superblock.h"
#include "storage/ext4/system_zone.h"
#include "storage/jbd2/log_file.h"

namespace ext4 {

// The file of the journal's inode, loaded; with a zone, none of it lies in there. A refusal is logged in words. Errors:
// NotSupported (it is on another disk, or has features that are not known), Malformed, IoError.
base::Result<jbd2::LogFile> open_journal_file(ext2_filsys fs, storage::BlockStore& store, const SystemZone* zone);

// What the superblock says needs recovery is recovered, and the superblock says so no more. Errors: as above, and
// ReadOnly.
base::Result<> recover_journal(storage::BlockStore& store, const Shape& shape);

}  // namespace ext4
