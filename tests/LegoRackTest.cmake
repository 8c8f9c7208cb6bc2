# SPDX-License-Identifier: Apache-2.0
# lego_rack_test(NAME COMMAND command [arguments...] [LABEL rack|interop] [TIMEOUT seconds] [LONG] [ENVIRONMENT a=b...])
#
# A test that boots images in QEMU. Such tests run one at a time: on two cores a second rack would change the timing of
# the first. LONG: only `lego test full` runs it. unit, sim and fuzz tests are declared with lego_test() beside the code.
function(lego_rack_test name)
  if(NOT LEGO_TESTS)
    return()
  endif()
  cmake_parse_arguments(A "LONG" "LABEL;TIMEOUT" "COMMAND;ENVIRONMENT" ${ARGN})
  if(NOT A_LABEL)
    set(A_LABEL rack)
  endif()
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  if(A_LONG)
    list(APPEND A_LABEL long)
  endif()
  add_test(NAME ${name} COMMAND ${A_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS "${A_LABEL}" TIMEOUT ${A_TIMEOUT} RUN_SERIAL TRUE
    ENVIRONMENT "${A_ENVIRONMENT}")
endfunction()
