/* SPDX-License-Identifier: Apache-2.0
 * Included before everything else when libext2fs is compiled for the image: the few C library functions that it calls
 * become functions of ours (kernel_libc.cpp) under names that nobody else links by accident. memcpy and its kin are
 * the base library's. */
#pragma once

#define __errno_location libext2fs_errno_location
#define calloc libext2fs_calloc
#define free libext2fs_free
#define getenv libext2fs_getenv
#define malloc libext2fs_malloc
#define memalign libext2fs_memalign
#define realloc libext2fs_realloc
#define strcat libext2fs_strcat
#define strchr libext2fs_strchr
#define strcmp libext2fs_strcmp
#define strcpy libext2fs_strcpy
#define strncmp libext2fs_strncmp
#define strtoul libext2fs_strtoul
#define time libext2fs_time
