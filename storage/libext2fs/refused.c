/* SPDX-License-Identifier: Apache-2.0
 * What libext2fs's core files would call for features that are refused at mount (inline data, values of extended
 * attributes in inodes of their own, case folding, multiple-mount protection) and for tools that are not part of it.
 * Those are never reached; each answers with an error, so that a mistake of ours is one too. A few helpers from files
 * that are left out follow at the end. */
#include <ext2fs/ext2fs.h>

#include "lib/ext2fs/bmap64.h"

static errcode_t refuse_bitmap(ext2_filsys fs, ext2fs_generic_bitmap_64 bitmap) {
  (void)fs;
  (void)bitmap;
  return EXT2_ET_UNIMPLEMENTED;
}

/* The red-black-tree bitmaps: bit arrays are used throughout. */
struct ext2_bitmap_ops ext2fs_blkmap64_rbtree = {.type = EXT2FS_BMAP64_RBTREE, .new_bmap = refuse_bitmap};

errcode_t ext2fs_get_num_dirs(ext2_filsys fs, ext2_ino_t *count) {
  (void)fs;
  (void)count;
  return EXT2_ET_UNIMPLEMENTED;
}

errcode_t ext2fs_read_bb_inode(ext2_filsys fs, ext2_badblocks_list *list) {
  (void)fs;
  (void)list;
  return EXT2_ET_UNIMPLEMENTED;
}

errcode_t ext2fs_mmp_start(ext2_filsys fs) {
  (void)fs;
  return EXT2_ET_UNIMPLEMENTED;
}

errcode_t ext2fs_mmp_stop(ext2_filsys fs) {
  (void)fs;
  return 0;
}

const struct ext2fs_nls_table *ext2fs_load_nls_table(int encoding) {
  (void)encoding;
  return 0;
}

errcode_t ext2fs_inline_data_ea_remove(ext2_filsys fs, ext2_ino_t inode) {
  (void)fs;
  (void)inode;
  return EXT2_ET_UNIMPLEMENTED;
}

errcode_t ext2fs_file_open(ext2_filsys fs, ext2_ino_t inode, int flags, ext2_file_t *file) {
  (void)fs;
  (void)inode;
  (void)flags;
  (void)file;
  return EXT2_ET_UNIMPLEMENTED;
}

errcode_t ext2fs_file_read(ext2_file_t file, void *buffer, unsigned int wanted, unsigned int *got) {
  (void)file;
  (void)buffer;
  (void)wanted;
  (void)got;
  return EXT2_ET_UNIMPLEMENTED;
}

errcode_t ext2fs_file_write(ext2_file_t file, const void *buffer, unsigned int bytes, unsigned int *written) {
  (void)file;
  (void)buffer;
  (void)bytes;
  (void)written;
  return EXT2_ET_UNIMPLEMENTED;
}

errcode_t ext2fs_file_close(ext2_file_t file) {
  (void)file;
  return EXT2_ET_UNIMPLEMENTED;
}

struct ext2_inode *ext2fs_file_get_inode(ext2_file_t file) {
  (void)file;
  return 0;
}

ext2_off_t ext2fs_file_get_size(ext2_file_t file) {
  (void)file;
  return 0;
}

int ext2fs_is_fast_symlink(struct ext2_inode *inode) {
  return LINUX_S_ISLNK(inode->i_mode) && EXT2_I_SIZE(inode) < sizeof(inode->i_block);
}

/* Also from files that are not part of the core. Blocks of up to 4 KiB need no special encoding of the length. */
errcode_t ext2fs_set_rec_len(ext2_filsys fs, unsigned int length, struct ext2_dir_entry *entry) {
  (void)fs;
  entry->rec_len = ext2fs_cpu_to_le16(length);
  return 0;
}

errcode_t ext2fs_get_rec_len(ext2_filsys fs, struct ext2_dir_entry *entry, unsigned int *length) {
  (void)fs;
  *length = ext2fs_le16_to_cpu(entry->rec_len);
  return 0;
}

/* In libext2fs this lies in a file that is about making journals. */
errcode_t ext2fs_zero_blocks2(ext2_filsys fs, blk64_t block, int count, blk64_t *failed, int *failed_count) {
  if (count == 0) return 0; /* ext2fs_free() calls it so, without a file system */
  void *zeros = 0;
  errcode_t error = ext2fs_get_memzero(fs->blocksize, &zeros);
  for (int i = 0; error == 0 && i < count; ++i) {
    error = io_channel_write_blk64(fs->io, block + i, 1, zeros);
    if (error != 0 && failed != 0) *failed = block + i;
    if (error != 0 && failed_count != 0) *failed_count = count - i;
  }
  ext2fs_free_mem(&zeros);
  return error;
}

/* The library's complaints on the way; what matters comes back as an error code. */
void com_err(const char *who, long code, const char *format, ...) {
  (void)who;
  (void)code;
  (void)format;
}
