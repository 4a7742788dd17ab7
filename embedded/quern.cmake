# SPDX-License-Identifier: MIT
#
# quern.cmake - quern in the CMake project of a firmware (3.13 or later). Include it after
# project(); QUERN_CONFIG may name a folder with a quern-config.h: knobs of lib/base/config.h.
# For sources in C++ the project needs the languages C and CXX.
#
# It sets QUERN_VERSION, and defines libraries for target_link_libraries():
#
#   quern			the archive, by the project's own flags, and quern.h
#   quern_newlib, quern_freertos, quern_new	quern as malloc, pvPortMalloc, operator
#				new: sources that are compiled with those of the target
#   quern_board			the same: start-up, faults, console by semihosting, stdio
#				over it; and the memory of the STM32F407
#
# examples/image/CMakeLists.txt is one that uses it.

get_filename_component(QUERN "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
file(STRINGS ${QUERN}/lib/quern.h QUERN_VERSION REGEX "^#define QN_VERSION_[A-Z]+ [0-9]+$")
list(TRANSFORM QUERN_VERSION REPLACE "^.* " "")
string(REPLACE ";" "." QUERN_VERSION "${QUERN_VERSION}")
set(QUERN_CONFIG "" CACHE PATH "Folder of quern-config.h")

set(quern_sources embedded/glue.c)
foreach(name heap/arena heap/census learn/chooser learn/controller learn/cost learn/features learn/network learn/presets learn/rails heap/heap heap/heap-look heap/heap-make heap/heap-step heap/pool hint/record learn/profile learn/sampler base/knobs base/strtab learn/table format/trace heap/zone port/bare)
	list(APPEND quern_sources lib/${name}.c)
endforeach()
list(TRANSFORM quern_sources PREPEND ${QUERN}/)
file(GLOB policies CONFIGURE_DEPENDS ${QUERN}/lib/learn/policy-*.c)
list(APPEND quern_sources ${policies})

add_library(quern STATIC ${quern_sources})
# gcc copies the arguments of malloc and free to further registers without the last flag:
# two instructions a call
target_compile_options(quern PRIVATE -std=gnu11 -ffreestanding -ffunction-sections
	-fdata-sections $<$<C_COMPILER_ID:GNU>:-fno-cse-follow-jumps>)
target_compile_definitions(quern PRIVATE QN_SMALL=1)
target_include_directories(quern PRIVATE ${QUERN}/lib ${QUERN}/embedded)
# Behind the project's own folders
target_compile_options(quern INTERFACE "SHELL:-idirafter ${QUERN}/lib"
	"SHELL:-idirafter ${QUERN}/embedded")
if(QUERN_CONFIG AND EXISTS "${QUERN_CONFIG}/quern-config.h")
	target_compile_definitions(quern PRIVATE QN_CONFIG_H)
	target_include_directories(quern PRIVATE ${QUERN_CONFIG})
endif()

foreach(unit newlib.c freertos.c new.cc)
	string(REGEX REPLACE "\\..*" "" name ${unit})
	add_library(quern_${name} INTERFACE)
	target_sources(quern_${name} INTERFACE ${QUERN}/embedded/${unit})
	target_link_libraries(quern_${name} INTERFACE quern)
endforeach()

add_library(quern_board INTERFACE)
foreach(name board console print semihost startup syscalls)
	target_sources(quern_board INTERFACE ${QUERN}/embedded/${name}.c)
endforeach()
target_link_libraries(quern_board INTERFACE quern)
target_link_options(quern_board INTERFACE -nostartfiles -T stm32f407.ld
	-L ${QUERN}/embedded)
