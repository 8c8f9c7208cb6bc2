# SPDX-License-Identifier: Apache-2.0
# lego_source_package(NAME URLNAME VERSION SHA256 RESULT): fetches a source package from the distribution's archive at
# configure time and unpacks its upstream tarball under the build folder; RESULT is set to the unpacked folder.
# The fetching is done by tools/fetch-source, which uses private apt folders and never edits /etc/apt.
function(lego_source_package package tarball sha256 result)
  set(target ${CMAKE_SOURCE_DIR}/build/sources/${package})
  if(NOT EXISTS ${target}/.ready-${sha256})
    message(STATUS "Fetching the source package ${package}")
    execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/fetch-source ${package} ${tarball} ${sha256} ${target}
      RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "The source package ${package} could not be fetched (see above)")
    endif()
  endif()
  set(${result} ${target}/upstream PARENT_SCOPE)
endfunction()
