# SPDX-License-Identifier: Apache-2.0
# The compiler of the images and of everything that CI runs.
set(CMAKE_C_COMPILER gcc-12)
set(CMAKE_CXX_COMPILER g++-12)
set(CMAKE_ASM_NASM_COMPILER nasm)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
