# SPDX-License-Identifier: MIT
#
# quern-config.cmake - find_package(quern) finds the installed libraries, wherever this folder
# was moved to:
#
#   quern::quern	libquern.so: it replaces malloc in a program that is linked with it
#   quern::heap		libquern-heap.so: qn_heap, qn_pool and qn_arena; malloc stays as it is
#   quern::heap-static	libquern-heap.a: the same

get_filename_component(_quern_libdir "${CMAKE_CURRENT_LIST_DIR}/../.." REALPATH)
set(_quern_include)
foreach(_quern_up ".." "../..")
	get_filename_component(_quern_try "${_quern_libdir}/${_quern_up}/include" ABSOLUTE)
	if(NOT _quern_include AND EXISTS "${_quern_try}/quern.h")
		set(_quern_include "${_quern_try}")
	endif()
endforeach()
if(NOT _quern_include)
	set(quern_FOUND FALSE)
	set(quern_NOT_FOUND_MESSAGE "no include/quern.h near ${_quern_libdir}")
	return()
endif()

function(_quern_library name type file)
	if(TARGET quern::${name})
		return()
	endif()
	add_library(quern::${name} ${type} IMPORTED)
	set_target_properties(quern::${name} PROPERTIES
		IMPORTED_LOCATION "${_quern_libdir}/${file}"
		INTERFACE_INCLUDE_DIRECTORIES "${_quern_include}")
	if(type STREQUAL SHARED)
		set_target_properties(quern::${name} PROPERTIES
			IMPORTED_SONAME "${file}.0")
	endif()
endfunction()
_quern_library(quern SHARED libquern.so)
_quern_library(heap SHARED libquern-heap.so)
_quern_library(heap-static STATIC libquern-heap.a)
