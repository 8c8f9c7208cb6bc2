# SPDX-License-Identifier: Apache-2.0
# clang 19 compiles the same sources as g++-12, with GCC 12's libstdc++: images, programs and tests, and the libFuzzer
# targets, which need it. Debian 12 has it; tools/packages/clang names the packages.
set(compiler_of_gcc /usr/lib/gcc/x86_64-linux-gnu/12)
find_program(clang_program clang++-19)
find_file(fuzzer_runtime libclang_rt.fuzzer-x86_64.a /usr/lib/llvm-19/lib/clang/19/lib/linux NO_DEFAULT_PATH)
mark_as_advanced(clang_program fuzzer_runtime)
foreach(needed "clang_program;clang-19" "fuzzer_runtime;libclang-rt-19-dev")
  list(GET needed 0 variable)
  list(GET needed 1 package)
  if(NOT ${variable})
    message(FATAL_ERROR "The preset clang needs the package ${package}: "
      "apt-get install clang-19 libclang-rt-19-dev, or LEGO_PRESET=clang tools/lego build")
  endif()
endforeach()
if(NOT EXISTS ${compiler_of_gcc})
  message(FATAL_ERROR "The preset clang needs GCC 12's libstdc++: apt-get install g++-12")
endif()
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_FLAGS_INIT "--gcc-install-dir=${compiler_of_gcc}")
set(CMAKE_ASM_NASM_COMPILER nasm)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
