#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-late.sh - C++ in a process that started without it: a C program loads a
# plug-in, and with it the C++ runtime, when operators new and delete have been
# the library's for long. A program without any C++ runtime gets a message.

. "$(dirname "$0")/../x.sh"

must $cc $flags -o "$tmp/main" "$here/x-late-main.c" -ldl
if $cxx $flags -std=gnu++17 -shared -fPIC -o "$tmp/plugin.so" \
	"$here/x-late-plugin.cc" 2>"$tmp/log"; then
	for scope in local global; do
		preloaded "$tmp/main" "$scope" "$tmp/plugin.so" >"$tmp/out"
		ok "bad_alloc and nothrow in a plug-in, $scope" $?
		show "$tmp/out"
	done
	for static in "-static-libstdc++" "-static-libstdc++ -static-libgcc"; do
		must $cxx $flags -std=gnu++17 -shared -fPIC $static \
			-o "$tmp/plugin.so" "$here/x-late-plugin.cc"
		# An unwinder that is hidden catches nothing for others
		preloaded "$tmp/main" local "$tmp/plugin.so" \
			${static#-static-libstdc++} >"$tmp/out"
		ok "in a plug-in linked $static" $?
		show "$tmp/out"
	done
else
	skip "bad_alloc and nothrow in a plug-in" "no C++ compiler"
fi

preloaded "$tmp/main" nothrow >"$tmp/out"
ok "nothrow without a C++ runtime" $?
show "$tmp/out"

(preloaded "$tmp/main" new >"$tmp/out" 2>&1) 2>"$tmp/log"
[ $? -eq 134 ] && grep -q '^quern: operator new: out of memory' "$tmp/out"
ok "new without a C++ runtime stops with a message" $?
show "$tmp/out"

finish
