// SPDX-License-Identifier: Apache-2.0
// What lwIP asks of a compiler and a platform; what it prints is left out, what it asserts is checked.
#pragma once

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1
#define X8_F "x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"
// What the C library has. Left alone, lwIP makes it an int where limits.h has no SSIZE_MAX.
typedef __PTRDIFF_TYPE__ ssize_t;
#define SSIZE_MAX __PTRDIFF_MAX__
#define LWIP_PLATFORM_DIAG(x) \
  do {                        \
  } while (0)
#define LWIP_PLATFORM_ASSERT(text) lego_lwip_failed(text)
#define LWIP_RAND() lego_lwip_random()

#ifdef __cplusplus
extern "C" {
#endif
void lego_lwip_failed(const char* text);
unsigned int lego_lwip_random(void);
void* lego_lwip_allocate(__SIZE_TYPE__ bytes);
void* lego_lwip_allocate_zeroed(__SIZE_TYPE__ count, __SIZE_TYPE__ bytes);
void lego_lwip_free(void* memory);
// Called, if it is not null, when there was no memory: what lwIP gave up then it does at its timers.
extern void (*lego_lwip_starved)(void);
#ifdef __cplusplus
}
#endif
