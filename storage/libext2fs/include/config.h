/* SPDX-License-Identifier: Apache-2.0
 * What libext2fs's configure script would find out, for a machine with nothing but memory and a block store. The
 * headers named here are only read for their declarations; what may be called is in kernel_libc.cpp. */
#pragma once

#define HAVE_ERRNO_H 1
#define HAVE_MEMALIGN 1
#define HAVE_MALLOC_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
