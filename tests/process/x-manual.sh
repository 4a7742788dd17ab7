#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-manual.sh - the manual pages and what bash and zsh offer behind "quern": each command and
# each option is there, and the readers of both have nothing to complain of.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$PWD/build/quern}
names=$("$quern" help --names)
template=$top/preload/command/base/quern.1.in
export LC_ALL=C.UTF-8

explain()
{
	show "$tmp/out"
}

# Options of a command as its help has them
options() # name
{
	"$quern" help "$1" | sed -n 's/^  \(-., \)\?--\([a-z-]*\).*/\2/p'
}

# --- pages

ok 'there are commands' [ "$(echo "$names" | wc -l)" -ge 9 ]
must "$quern" help --manual "$template" >"$tmp/quern.1"
for name in $names; do
	"$quern" help --page "$name" >"$tmp/quern-$name.1" || bad=1
done
quiet() # file: the manual's reader says nothing
{
	if command -v man >"$tmp/null" && man --version >"$tmp/null" 2>&1; then
		man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>"$tmp/out" >"$tmp/null" || return 1
	elif command -v groff >"$tmp/null"; then
		groff -man -Tutf8 -ww "$1" 2>"$tmp/out" >"$tmp/null"
	fi
	[ ! -s "$tmp/out" ]
}
for page in "$tmp"/*.1; do
	ok "no warning in ${page##*/}" quiet "$page"
done
lacking() # page: options that it lacks
{
	local name=${1##*/quern-} option

	for option in $(options "${name%.1}"); do
		sed 's/\\-/-/g' "$1" | grep -q -e "--$option\(\\\\fR\)\?\(=\|\$\)" ||
			echo "$option"
	done
}
for name in $names; do
	lacking "$tmp/quern-$name.1" >"$tmp/out"
	ok "quern-$name.1 has all its options" [ ! -s "$tmp/out" ]
	ok "quern.1 names it" grep -q "^\.BR quern.-$name (1)\$" "$tmp/quern.1"
done
ok 'settings and knobs are in quern-run.1' \
	[ "$(grep -c '^\.B \(policy\|live\|metrics\|price\|fence\)\\fR:' "$tmp/quern-run.1")" = 5 ]
ok 'no mark is left in quern.1' [ -z "$(grep '^@' "$tmp/quern.1")" ]
sed 's/^@knobs@/@knob@/' "$template" >"$tmp/wrong"
"$quern" help --manual "$tmp/wrong" >"$tmp/out" 2>&1
ok 'a mark that names nothing is an error' [ $? = 125 ]
"$quern" help --page nothing >"$tmp/out" 2>&1
ok 'so is a page of nothing' [ $? = 125 ]
"$quern" help --completion=fish >"$tmp/out" 2>&1
ok 'and completion for another shell' [ $? = 125 ]

# --- the C interface

awk=$(command -v mawk || command -v gawk || command -v awk)
"$awk" -v version=1 -v date=2026-01-01 -f "$top/lib/quern.3.awk" "$top/lib/quern.h" \
	>"$tmp/quern.3"
ok 'quern.3 is made' [ -s "$tmp/quern.3" ]
ok 'no warning in it' quiet "$tmp/quern.3"
if command -v mandoc >"$tmp/null"; then
	mandoc -Tlint "$tmp/quern.3" >"$tmp/out" 2>&1
	ok 'nor by mandoc' [ ! -s "$tmp/out" ]
else
	skip 'nor by mandoc' 'no mandoc'
fi
sections=$(sed -n 's/^\.SH //p' "$tmp/quern.3" | tr '\n' ,)
ok 'it has its parts' [ "$sections" = \
	'NAME,SYNOPSIS,DESCRIPTION,RETURN VALUE,ERRORS,CONTEXT,SEE ALSO,' ]
# What the library exports, and what the header defines beside it
exported=$(nm -D --defined-only "$lib" | sed -n 's/.* T \(qn_[a-z_]*\)$/\1/p')
ok 'the library exports functions' [ "$(echo "$exported" | wc -l)" -ge 40 ]
section() # NAME: of the page
{
	sed -n "/^\.SH $1\$/,/^\.SH/p" "$tmp/quern.3"
}
lacking_functions()
{
	local name

	for name in $exported qn_pressure qn_array_add QN_POOL QN_HEAP_PLAN; do
		section NAME | grep -qw "$name" || echo "NAME: $name"
		section SYNOPSIS | grep -q "\b$name(" || echo "SYNOPSIS: $name"
		section DESCRIPTION | grep -qx "\.BR $name ()" || echo "DESCRIPTION: $name"
	done
}
lacking_functions >"$tmp/out"
ok 'each function has its entry' [ ! -s "$tmp/out" ]
# Of all but those that return nothing the page says what they return
results()
{
	local name

	for name in $exported; do
		grep -q "^void $name(\|^size_t qn_pool_\|qn_arena_mark_get" \
			<(grep "\b$name(" "$top/lib/quern.h" | grep -v '^ \*') ||
			section 'RETURN VALUE' | grep -qx "\.BR $name ()" || echo "$name"
	done
}
results >"$tmp/out"
ok 'and what it returns' [ ! -s "$tmp/out" ]
ok 'errors have their functions' grep -q 'qn_heap_add_zone' <(section ERRORS | sed -n '/EMFILE/,/^\.TP/p')
undocumented() # a header with one more function
{
	sed 's/^int qn_trim(void);/&\nint qn_new(void);/' "$top/lib/quern.h"
}
undocumented >"$tmp/new.h"
ok 'one without a comment is in no entry' [ -z \
	"$("$awk" -v names=1 -f "$top/lib/quern.3.awk" "$tmp/new.h" | grep -x qn_new)" ]

# --- bash

must "$quern" help --completion=bash >"$tmp/bash"
cat >"$tmp/ask.bash" <<'END'
# Prints what is offered for the words behind this script, the last of which is to be completed
. "$1"
shift
COMP_WORDS=(quern "$@")
COMP_CWORD=$(($# ))
_quern 2>&1
printf '%s\n' "${COMPREPLY[@]}"
END
offers() # words
{
	bash --norc "$tmp/ask.bash" "$tmp/bash" "$@" >"$tmp/out" 2>&1
}
# Is just this offered, in any order
just() # words
{
	[ "$(sort "$tmp/out" | xargs)" = "$(printf '%s\n' "$@" | sort | xargs)" ]
}

ok 'bash reads it' bash -n "$tmp/bash"
offers ''
ok 'commands are offered' just $names help --help --version
offers re
ok 'those that begin so' just record replay
for name in $names; do
	offers "$name" --
	sed -i 's/=$//' "$tmp/out"
	ok "all options of $name" just $(options "$name" | sed 's/^/--/')
done
offers run --child
ok 'a value is announced' just --children=
offers run --children = ''
ok 'words of a choice' just sum each none
offers run --children = e
ok 'that begin so' just each
offers run --children e
ok 'without =, too' just each
offers run --children=n
ok 'or in one word' just none
offers run --policy = ru
ok 'policies' just rule
offers run --conf = pri
ok 'keys of settings' just price:
offers top -s ke
ok 'letters' just kept
touch "$tmp/x1.trace" "$tmp/x2.trace"
offers replay "$tmp/x1"
ok 'files' just "$tmp/x1.trace"
offers run --report = "$tmp/x2"
ok 'files of options' just "$tmp/x2.trace"
offers ctl 123 pu
ok 'what a process can be asked' just purge
offers trace hi
ok 'tasks of a trace' just histogram
offers trace info "$tmp/x1"
ok 'and files behind them' just "$tmp/x1.trace"
offers ctl "$tmp/x1"
ok 'a file that stands for a process' just "$tmp/x1.trace"
offers run -- unam
ok 'programs' grep -qx uname "$tmp/out"
offers run -- cat "$tmp/x1"
ok 'and their files' just "$tmp/x1.trace"
offers run -- ls --children = ''
ok 'options of programs are not ours' [ -z "$(grep -x 'sum\|each\|none' "$tmp/out")" ]
offers help re
ok 'commands behind help' just record replay
offers nothing --
ok 'nothing for what is no command' just ''

# --- zsh

"$quern" help --completion=zsh >"$tmp/_quern"
if ! command -v zsh >"$tmp/null"; then
	skip 'zsh' 'no zsh'
	finish
fi
ok 'zsh reads it' zsh -n "$tmp/_quern"
# A terminal of its own in which Tab is pressed; what it would offer comes between marks
cat >"$tmp/ask.zsh" <<'END'
zmodload zsh/zpty || exit 77
zpty z zsh -f -i
setup() {
	zpty -w z "PS1= PS2= RPS1=; unsetopt zle_bracketed_paste; fpath=($1 \$fpath)
autoload -Uz compinit; compinit -D -u; zstyle ':completion:*' list-prompt ''
zstyle ':completion:*' insert-tab false; LISTMAX=9999; setopt no_beep
bindkey '^I' complete-word
zle -C offer complete-word offer_all
offer_all() { compstate[list]='' ; compadd() { local -a m; builtin compadd -O m \"\$@\"; print -rl -- '<'\${^m}'>' >>$2; builtin compadd \"\$@\" }; _main_complete; compstate[insert]=''; unfunction compadd; print -r done >>$2 }
bindkey '^X' offer; print ready >>$2"
}
setup $1 $2
for i in {1..100}; do
	grep -q ready $2 2>/dev/null && break
	sleep 0.1
done
zpty -w -n z "$3"$'\x18'
for i in {1..100}; do
	grep -q done $2 2>/dev/null && break
	zpty -r -t z line
	sleep 0.1
done
zpty -d z
END
asks() # words typed: offers are in out
{
	rm -f "$tmp/out"
	timeout 60 zsh -f "$tmp/ask.zsh" "$tmp" "$tmp/out" "$1" >"$tmp/zsh.log" 2>&1
	[ -e "$tmp/out" ] || cp "$tmp/zsh.log" "$tmp/out"
	sort -u -o "$tmp/out" "$tmp/out"
}
asks 'quern re'
if grep -q done "$tmp/out" 2>"$tmp/null"; then
	ok 'zsh offers commands' [ "$(grep -c '^<re\(cord\|play\)>$' "$tmp/out")" = 2 ]
	asks 'quern run --children='
	ok 'words of a choice' [ "$(grep -c '^<\(sum\|each\|none\)>$' "$tmp/out")" = 3 ]
	asks 'quern top --'
	ok 'and options' [ "$(grep -c '^<--\(batch\|count\|sort\|json\|all\|delay\)' "$tmp/out")" -ge 6 ]
else
	skip 'zsh offers commands' 'zsh has no terminal here'
fi

finish
