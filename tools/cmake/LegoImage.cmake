# SPDX-License-Identifier: Apache-2.0
# lego_image(NAME LAYER layer SOURCES ... DEPENDS ...): the bootable image NAME.elf of the current folder, target NAME.
# SOURCES compose it (they define kernel::component_main) and see only the headers of DEPENDS, as in a library. It links the
# .kernel libraries of DEPENDS and of what these depend on, and nothing of a compiler's or C library. Linked twice: the first
# link tells the addresses for the symbol table of the second. NAME.map says which file each address comes from.

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

  set(archives "")
  foreach(library IN LISTS libraries)
    get_target_property(kind ${library} TYPE)
    if(NOT kind STREQUAL "INTERFACE_LIBRARY")
      list(APPEND archives ${library})
    endif()
  endforeach()
  list(TRANSFORM archives REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE archive_files)

  set(script ${CMAKE_SOURCE_DIR}/arch/x86_64/image.ld)
  set(stage ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(link ${CMAKE_CXX_COMPILER} -nostdlib -static -no-pie -Wl,-T,${script} -Wl,--gc-sections
    -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--fatal-warnings)
  set(inputs $<TARGET_OBJECTS:${name}.composition> -Wl,--start-group ${archive_files} -Wl,--end-group)
  add_custom_command(OUTPUT ${stage}.stage1
    COMMAND ${link} -o ${stage}.stage1 ${inputs}
    DEPENDS ${name}.composition $<TARGET_OBJECTS:${name}.composition> ${archives} ${script}
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking ${name} (addresses)")
  add_custom_command(OUTPUT ${stage}.symbols.o
    COMMAND image_symbols ${stage}.stage1 ${stage}.symbols
    COMMAND ${CMAKE_ASM_NASM_COMPILER} -f elf64 "-DSYMBOLS_FILE=\"${stage}.symbols\"" -o ${stage}.symbols.o
      ${CMAKE_SOURCE_DIR}/tools/image/symbols.asm
    DEPENDS ${stage}.stage1 image_symbols ${CMAKE_SOURCE_DIR}/tools/image/symbols.asm
    BYPRODUCTS ${stage}.symbols VERBATIM COMMENT "Naming the functions of ${name}")
  add_custom_command(OUTPUT ${stage}.elf
    COMMAND ${link} -Wl,--compress-debug-sections=zlib -Wl,-Map=${stage}.map -o ${stage}.elf ${stage}.symbols.o ${inputs}
    DEPENDS ${stage}.symbols.o ${stage}.stage1
    BYPRODUCTS ${stage}.map
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking ${name}.elf")
  add_custom_target(${name} ALL DEPENDS ${stage}.elf)
endfunction()
