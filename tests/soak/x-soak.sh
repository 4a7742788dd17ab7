#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-soak.sh - four rounds of make soak.

. "$(dirname "$0")/../x.sh"
bash "$top/tests/soak/soak.sh" "${builddir:-$top/build}" 4x >"$tmp/out" 2>&1
status=$?
sed 's/^/# /' "$tmp/out"
ok "the heap under all that goes wrong at once" $status
finish
