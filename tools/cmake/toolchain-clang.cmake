# SPDX-License-Identifier: Apache-2.0
# clang reads the same sources with GCC 12's libstdc++: lint, thread-safety analysis, libFuzzer.
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_FLAGS_INIT "--gcc-install-dir=/usr/lib/gcc/x86_64-linux-gnu/12")
set(CMAKE_ASM_NASM_COMPILER nasm)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
