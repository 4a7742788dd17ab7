# SPDX-License-Identifier: MIT
#
# quern.mk - quern in the Makefile of a firmware. Set, then include:
#
#   QUERN		this tree
#   QUERN_CC, QUERN_CXX, QUERN_AR	default arm-none-eabi-gcc, -g++ and -ar
#   QUERN_CFLAGS	target and optimisation; default: STM32F407, -g -Os
#   QUERN_CONFIG	a folder that may have a quern-config.h: knobs of lib/base/config.h
#   QUERN_BUILD		where objects go; default quern-build
#
# It defines
#
#   QUERN_VERSION	of this tree
#   QUERN_LIB		the archive, with a rule that makes it
#   QUERN_CPPFLAGS	for your sources: quern.h and glue.h, behind your own folders
#   QUERN_CXXFLAGS	for your sources in C++: no exceptions, no C++ library
#   QUERN_NEWLIB, QUERN_FREERTOS, QUERN_NEW	sources to compile with yours: quern as
#			malloc, pvPortMalloc, operator new
#   QUERN_BOARD		the same: start-up, faults, console by semihosting, stdio over it
#   QUERN_LDFLAGS	the memory of the STM32F407
#
# The archive is made anew when a flag or a knob changes. The first target of your
# Makefile stays the default one. examples/image/Makefile uses all of it.

quern_digit = $(shell sed -n 's/^.define QN_VERSION_$1 //p' $(QUERN)/lib/quern.h)
QUERN_VERSION = $(call quern_digit,MAJOR).$(call quern_digit,MINOR).$(call quern_digit,PATCH)
QUERN_CC ?= arm-none-eabi-gcc
QUERN_CXX ?= arm-none-eabi-g++
QUERN_AR ?= arm-none-eabi-ar
QUERN_CFLAGS ?= -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard -g -Os
QUERN_BUILD ?= quern-build

QUERN_NEWLIB = $(QUERN)/embedded/newlib.c
QUERN_FREERTOS = $(QUERN)/embedded/freertos.c
QUERN_NEW = $(QUERN)/embedded/new.cc
QUERN_BOARD = $(addprefix $(QUERN)/embedded/,board.c console.c print.c semihost.c \
	startup.c syscalls.c)
QUERN_LIB = $(QUERN_BUILD)/libquern.a
QUERN_CPPFLAGS = -idirafter $(QUERN)/lib -idirafter $(QUERN)/embedded
QUERN_CXXFLAGS = -fno-exceptions -fno-rtti -fno-threadsafe-statics \
	-fno-use-cxa-atexit
QUERN_LDFLAGS = -nostartfiles -T stm32f407.ld -L $(QUERN)/embedded

quern_sources = $(patsubst $(QUERN)/lib/%.c,%,$(wildcard $(QUERN)/lib/learn/policy-*.c)) \
	heap/arena heap/census learn/chooser learn/controller learn/cost learn/features learn/network learn/presets learn/rails heap/heap heap/heap-look heap/heap-make heap/heap-step heap/pool hint/record learn/profile learn/sampler base/knobs base/strtab learn/table format/trace heap/zone port/bare
quern_objects = $(quern_sources:%=$(QUERN_BUILD)/lib/%.o) \
	$(QUERN_BUILD)/embedded/glue.o
quern_config = $(strip $(QUERN_CONFIG))
# gcc copies the arguments of malloc and free to further registers without the third
# flag: two instructions a call
quern_flags = $(QUERN_CFLAGS) -std=gnu11 -ffreestanding \
	$(if $(findstring clang,$(QUERN_CC)),,-fno-cse-follow-jumps) \
	-ffunction-sections -fdata-sections -DQN_SMALL=1 \
	-I$(QUERN)/lib -I$(QUERN)/embedded \
	$(if $(wildcard $(addsuffix /quern-config.h,$(quern_config))),-DQN_CONFIG_H -I$(quern_config))

quern_default := $(.DEFAULT_GOAL)

# What the objects were made by: they are made anew where it is something else
quern_made_by := $(QUERN_CC) $(quern_flags)
ifneq ($(strip $(quern_made_by)),$(strip $(shell cat $(QUERN_BUILD)/flags 2>/dev/null)))
.PHONY: $(QUERN_BUILD)/flags
endif
$(QUERN_BUILD)/flags:
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(quern_made_by))' >$@

$(QUERN_BUILD)/%.o: $(QUERN)/%.c $(QUERN_BUILD)/flags
	@mkdir -p $(@D)
	$(QUERN_CC) $(quern_flags) -MMD -MP -c -o $@ $<

$(QUERN_LIB): $(quern_objects)
	@rm -f $@
	$(QUERN_AR) rcs $@ $^

-include $(wildcard $(quern_objects:.o=.d))

.DEFAULT_GOAL := $(quern_default)
