# SPDX-License-Identifier: MIT
#
# cortex-m4.cmake - a toolchain file of CMake for the STM32F407:
#
#   cmake -S . -B out -DCMAKE_TOOLCHAIN_FILE=path/to/quern/embedded/cortex-m4.cmake

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m4)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(cortex_m4 "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard -g -Os")
set(CMAKE_C_FLAGS_INIT "${cortex_m4}")
set(CMAKE_CXX_FLAGS_INIT "${cortex_m4} -fno-exceptions -fno-rtti -fno-threadsafe-statics \
-fno-use-cxa-atexit")
