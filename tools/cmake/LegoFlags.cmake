# SPDX-License-Identifier: Apache-2.0
# Three ways to compile the same source, as interface targets:
#   lego_kernel     freestanding, for the images
#   lego_hosted     Linux programs (gmmd, lego, the switch)
#   lego_sanitized  Linux, with AddressSanitizer and UndefinedBehaviorSanitizer, for the tests
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# Link-time optimization of the images: an RPC takes a fifth less time. A link takes half a minute of a processor's time
# then.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  option(LEGO_LTO "Optimize the images as wholes, when they are linked" ON)
else()
  set(LEGO_LTO OFF)
endif()

add_library(lego_warnings INTERFACE)
target_compile_options(lego_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion;-Wshadow;-Werror;-Wno-missing-field-initializers>)

add_library(lego_kernel INTERFACE)
target_compile_definitions(lego_kernel INTERFACE BOOST_DISABLE_ASSERTS NDEBUG)
set(kernel_options -ffreestanding -fbuiltin -fno-exceptions -fno-rtti -fno-threadsafe-statics -mno-red-zone
  -mcmodel=kernel -fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer
  -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -O2 -g)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND kernel_options -mgeneral-regs-only)
else()
  # The same for clang, which with -mgeneral-regs-only has no long double, and libstdc++'s headers name it.
  list(APPEND kernel_options -mno-sse -mno-mmx)
endif()
set(kernel_cxx_options -fno-exceptions -fno-rtti -fno-threadsafe-statics)
list(REMOVE_ITEM kernel_options ${kernel_cxx_options})
# For the link of an image, where GCC generates the code. It takes the frames of coroutines that several files make out
# of one template for different types (-Wodr, GCC 12).
set(LEGO_LTO_OPTIONS "")
if(LEGO_LTO)
  set(LEGO_LTO_OPTIONS -flto=auto ${kernel_options} ${kernel_cxx_options} -Wno-odr)
endif()
target_compile_options(lego_kernel INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${kernel_options};${kernel_cxx_options}>"
  "$<$<COMPILE_LANGUAGE:C>:${kernel_options}>")

add_library(lego_hosted INTERFACE)
target_compile_definitions(lego_hosted INTERFACE LEGO_HOSTED BOOST_DISABLE_ASSERTS)
# -g1 and -Og: backtraces have files and lines, and g++ takes half the time for it. Full debugging information costs a
# third of a compilation, and -O1 with two sanitizers as much as all the rest.
target_compile_options(lego_hosted INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-g1;-fno-omit-frame-pointer>)

add_library(lego_sanitized INTERFACE)
target_compile_definitions(lego_sanitized INTERFACE LEGO_HOSTED BOOST_DISABLE_ASSERTS)
target_compile_options(lego_sanitized INTERFACE
  $<$<COMPILE_LANGUAGE:C,CXX>:-Og;-g1;-fno-omit-frame-pointer;-fsanitize=address,undefined;-fno-sanitize-recover=all>)
target_link_options(lego_sanitized INTERFACE -fsanitize=address,undefined)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # So that a fuzzer sees which branches its input takes.
  target_compile_options(lego_sanitized INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=fuzzer-no-link>)
endif()
