#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-musl.sh - of the ports the one that takes seconds: libquern.so by musl-gcc. The others are
# make check-ports.

exec "$(dirname "$0")/ports.sh" musl
