# SPDX-License-Identifier: MIT
# tmux: a server with three windows, long histories, panes, resizing, buffers
# and captured contents

counts="tmux tmux: client tmux: server"

run()
{
	local i t="tmux -S ./sock -f /dev/null"

	$t new-session -d -x 150 -y 50 -s one -n one \
		"cat '$IN/text'; $t wait-for -S done; cat" || return
	$t wait-for done
	$t set -g history-limit 20000 \; set -g automatic-rename off
	$t new-window -d -n two \
		"cat '$IN/text' '$IN/text'; $t wait-for -S done; cat"
	$t wait-for done
	$t new-window -d -n three "cat '$IN/color'; $t wait-for -S done; cat"
	$t wait-for done
	for i in {1..12}; do
		$t resize-window -t :two -x $((60 + i * 7)) -y $((20 + i))
		$t set-buffer -b b$i "$(head -n $((i * 10)) "$IN/text")"
		$t split-window -d -t :one -l 3 cat
		$t select-layout -t :one tiled
		[ $i -lt 6 ] || $t kill-pane -t :one.1
	done
	$t resize-window -t :two -x 150 -y 50
	for i in {1..100}; do
		[ -z "$($t capture-pane -p -t :three | tail -n 3)" ] || break
	done
	$t capture-pane -p -J -S - -t :two | cksum
	$t capture-pane -p -e -S - -t :three | cksum
	$t list-windows -a -F '#{window_name} #{window_panes} #{window_width}'
	$t list-buffers -F '#{buffer_name} #{buffer_size}' | sort
	$t kill-server
	while [ -S sock ] && $t has-session 2>/dev/null; do sleep 0.1; done
}

prepare()
{
	text 3000 >text
	awk '{
		printf "\033[%dm%s\033[38;5;%dm%s\033[0m\n",
			NR % 7 + 31, $1, NR % 256, $2
	}' text >color
}
