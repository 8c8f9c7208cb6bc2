# SPDX-License-Identifier: Apache-2.0
# lego_image(NAME LAYER layer SOURCES ... DEPENDS ...): the bootable image NAME.elf of the current folder, target NAME.
# SOURCES compose it (they define kernel::component_main) and see only the headers of DEPENDS, as in a library. It links the
# .kernel libraries of DEPENDS and of what these depend on, and nothing of a compiler's or C library. After the link
# the image gets a table of its functions' names, for backtraces. NAME.map is the linker's map.

# GNU's: llvm-objcopy does not let a section of a segment grow.
find_program(LEGO_OBJCOPY objcopy REQUIRED)

# All libraries that some libraries need, themselves included, each once.
function(lego_image_closure result)
  set(pending ${ARGN})
  set(seen "")
  while(pending)
    list(POP_FRONT pending library)
    if(library IN_LIST seen OR NOT library MATCHES "\\.kernel$")
      continue()
    endif()
    list(APPEND seen ${library})
    get_target_property(more ${library} INTERFACE_LINK_LIBRARIES)
    if(more)
      list(APPEND pending ${more})
    endif()
  endwhile()
  set(${result} ${seen} PARENT_SCOPE)
endfunction()

function(lego_image name)
  cmake_parse_arguments(A "" "LAYER" "SOURCES;DEPENDS" ${ARGN})
  list(APPEND A_DEPENDS kernel_start)
  lego_check_layer(${name} ${A_LAYER} ${A_DEPENDS})
  list(TRANSFORM A_DEPENDS APPEND ".kernel" OUTPUT_VARIABLE direct)
  lego_image_closure(libraries ${direct})

  add_library(${name}.composition OBJECT EXCLUDE_FROM_ALL ${A_SOURCES})
  target_link_libraries(${name}.composition PRIVATE lego_warnings lego_kernel ${direct})
  set_target_properties(${name}.composition PROPERTIES INTERPROCEDURAL_OPTIMIZATION ${LEGO_LTO})

  set(archives "")
  foreach(library IN LISTS libraries)
    get_target_property(kind ${library} TYPE)
    if(NOT kind STREQUAL "INTERFACE_LIBRARY")
      list(APPEND archives ${library})
    endif()
  endforeach()
  list(TRANSFORM archives REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE archive_files)

  set(script ${CMAKE_SOURCE_DIR}/arch/x86_64/image.ld)
  set(image ${CMAKE_CURRENT_BINARY_DIR}/${name})
  add_custom_command(OUTPUT ${image}.linked
    COMMAND ${CMAKE_CXX_COMPILER} ${LEGO_LTO_OPTIONS} -nostdlib -static -no-pie -Wl,-T,${script} -Wl,--gc-sections
      -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--fatal-warnings
      -Wl,--compress-debug-sections=zlib -Wl,-Map=${image}.map -o ${image}.linked
      $<TARGET_OBJECTS:${name}.composition> -Wl,--start-group ${archive_files} -Wl,--end-group
    DEPENDS ${name}.composition $<TARGET_OBJECTS:${name}.composition> ${archives} ${script}
    BYPRODUCTS ${image}.map COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking ${name}")
  add_custom_command(OUTPUT ${image}.elf
    COMMAND image_symbols ${image}.linked ${image}.symbols
    COMMAND ${LEGO_OBJCOPY} --update-section .symbols=${image}.symbols ${image}.linked ${image}.elf
    DEPENDS ${image}.linked image_symbols
    BYPRODUCTS ${image}.symbols VERBATIM COMMENT "Naming the functions of ${name}.elf")
  add_custom_target(${name} ALL DEPENDS ${image}.elf)
endfunction()
