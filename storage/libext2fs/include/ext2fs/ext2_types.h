/* SPDX-License-Identifier: Apache-2.0
 * libext2fs's integer types, from the kernel's own header; the annotations of its checkers mean nothing here. */
#pragma once

#include <linux/types.h>
#include <stdint.h>

#undef __bitwise
#define __bitwise
#define __force
