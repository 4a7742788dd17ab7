// SPDX-License-Identifier: MIT
/*
 * cmd-top.c - quern top: processes under quern, as they are now.
 *
 * On a terminal it is a view that keys steer, else a table for each look.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "rows.h"
#include "screen.h"

/**
 * struct top - one call of quern top
 * @target:	a process or a file, or NULL
 * @is_batch:	--batch
 * @is_json:	--json
 * @count:	looks; 0: no end
 * @delay:	seconds between two
 * @chosen:	the pid that the lines below the table are about; 0: the first row's
 * @asked:	digits of a pid that is being typed, or NULL
 * @message:	to be shown until the next key, or ""
 */
struct top {
	const char *target;
	bool is_batch;
	bool is_json;
	u32 count;
	u32 delay;
	enum qn_row_key key;
	struct qn_rows rows;
	u32 chosen;
	char *asked;
	char message[128];
};

static const char *const key_names[QN_NR_ROW_KEYS] = {
	"heap", "process", "use", "pinned", "kept", "malloc", "faults", "pid",
};

/* ---- tables ---- */

static void print_look(const struct qn_rows *rows)
{
	struct qn_lines l = qn_lines_whole_to(stdout);
	u32 columns = qn_text_columns(STDOUT_FILENO);
	struct qn_row_text text;

	/* A wide terminal has room for more than lines of text */
	if (columns)
		l.columns = columns;
	qn_line(&l, "%s", qn_rows_summary(rows).s);
	printf("%s\n", qn_rows_head(l.columns).s);
	for (u32 i = 0; i < rows->nr; i++)
		printf("%s\n", qn_row_line(&rows->at[i], l.columns).s);
	for (u32 i = 0; rows->target.path && rows->nr &&
			qn_row_detail(&rows->at[0], i, &text);
	     i++)
		qn_line(&l, "  %s", text.s);
}

static void print_json(const struct qn_rows *rows)
{
	json_t *o = qn_rows_json(rows);

	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void rest(u64 until)
{
	u64 now = qn_clock_usec();

	while (now < until && !qn_interrupted()) {
		usleep((useconds_t)min(until - now, (u64)100000));
		now = qn_clock_usec();
	}
}

static int refuse_ended(const struct top *top)
{
	qn_error("process %u has ended", top->rows.target.page.pid);
	return QN_EXIT_FAILURE;
}

static int run_batch(struct top *top)
{
	u64 next = qn_clock_usec();

	for (u32 nr = 0; (!top->count || nr < top->count) && !qn_interrupted();
	     nr++) {
		if (nr)
			rest(next += (u64)top->delay * 1000000);
		if (qn_interrupted())
			break;
		/* That it ends is no error where it was seen before */
		if (!qn_rows_look(&top->rows))
			return nr ? 0 : refuse_ended(top);
		if (nr && !top->is_json)
			putchar('\n');
		if (top->is_json)
			print_json(&top->rows);
		else
			print_look(&top->rows);
		fflush(stdout);
	}
	return 0;
}

/* ---- the view ---- */

static u32 chosen_row(const struct top *top)
{
	for (u32 i = 0; i < top->rows.nr; i++)
		if (top->rows.at[i].live.page.pid == top->chosen)
			return i;
	return 0;
}

/* Ends at a phrase where it does not fit, so that no figure is cut */
static void put_prose(u32 line, enum qn_screen_look look, const char *text)
{
	size_t room = qn_screen_columns(), most = room > 4 ? room - 4 : 0;
	size_t at = most;
	char *shown = qn_xprintf("%s", text);

	if (strlen(shown) > room) {
		while (at && !strchr(",;:", shown[at]))
			at--;
		/* In a list of keys it ends at a word */
		for (at = at ? at : most; at && !strchr(",;: ", shown[at]);)
			at--;
		if (at)
			strcpy(shown + at + 1, " ..");
	}
	qn_screen_put(line, look, shown);
	free(shown);
}

static void draw_prompt(const struct top *top, u32 line)
{
	char *text;

	if (top->asked)
		text = qn_xprintf("pid, or nothing for all: %s_", top->asked);
	else if (top->message[0])
		text = qn_xprintf("%s", top->message);
	else
		text = qn_xprintf("q quit  s order (%s%s)  r reverse  p pid  "
				  "up/down choose  +/- every %u s",
				  key_names[top->rows.key],
				  top->rows.is_reversed ? ", reversed" : "",
				  top->delay);
	put_prose(line, QN_LOOK_BOLD, text);
	free(text);
}

/* Lines of the table that @chosen is one of */
static u32 first_shown(u32 chosen, u32 room)
{
	return chosen < room ? 0 : chosen - room + 1;
}

static void draw_table(const struct top *top, u32 line, u32 room, u32 chosen)
{
	u32 first = first_shown(chosen, room);

	for (u32 i = first; i < top->rows.nr && i - first < room; i++)
		qn_screen_put(
			line + i - first,
			i == chosen ? QN_LOOK_CHOSEN : QN_LOOK_PLAIN,
			qn_row_line(&top->rows.at[i], qn_screen_columns()).s);
}

/* Summary, prompt, table, and what there is to say of one process below it */
static void draw(const struct top *top)
{
	u32 lines = qn_screen_lines(), chosen = chosen_row(top), i;
	u32 below = lines > 16 ? 10 : 0;
	u32 room = lines > 3 + below ? lines - 3 - below : 1;
	char head[512];
	struct qn_row_text text;

	qn_screen_clear();
	put_prose(0, QN_LOOK_PLAIN, qn_rows_summary(&top->rows).s);
	draw_prompt(top, 1);
	snprintf(head, sizeof(head), "%-*s",
		 (int)min(qn_screen_columns(), (u32)sizeof(head) - 1),
		 qn_rows_head(qn_screen_columns()).s);
	qn_screen_put(2, QN_LOOK_HEAD, head);
	draw_table(top, 3, room, chosen);
	if (!top->rows.nr)
		put_prose(3, QN_LOOK_PLAIN,
			  "None. Start programs with QUERN_CONF=live:1 and "
			  "libquern.so preloaded, or by quern run.");
	for (i = 0; below && top->rows.nr && i + 1 < below &&
		    qn_row_detail(&top->rows.at[chosen], i, &text);
	     i++)
		put_prose(lines - below + 1 + i, QN_LOOK_PLAIN, text.s);
	qn_screen_show();
}

static void move_chosen(struct top *top, int by)
{
	u32 at = chosen_row(top);

	if (!top->rows.nr)
		return;
	if (by < 0 && at)
		at--;
	if (by > 0 && at + 1 < top->rows.nr)
		at++;
	top->chosen = top->rows.at[at].live.page.pid;
}

/* The pid is typed: one process alone from now on, or all again */
static void take_asked(struct top *top)
{
	struct qn_live_list list = { .nr = 0 };
	u32 pid = (u32)strtoul(top->asked, NULL, 10), i = 0;

	free(top->rows.target.path);
	top->rows.target.path = NULL;
	if (*top->asked)
		qn_live_find(&list, top->rows.everybody);
	while (i < list.nr && list.at[i].page.pid != pid)
		i++;
	if (i < list.nr) {
		top->rows.target = list.at[i];
		top->rows.target.path = qn_xprintf("%s", list.at[i].path);
	} else if (*top->asked) {
		snprintf(top->message, sizeof(top->message),
			 "process %u shows nothing: quern ctl %u tells why",
			 pid, pid);
	}
	qn_live_free(&list);
	free(top->asked);
	top->asked = NULL;
	top->chosen = pid;
	qn_rows_look(&top->rows);
}

static void type(struct top *top, u32 key)
{
	size_t size = strlen(top->asked);
	char *text;

	if (key == '\n' || key == '\r') {
		take_asked(top);
	} else if (key == 27) {
		free(top->asked);
		top->asked = NULL;
	} else if ((key == '\b' || key == 127) && size) {
		top->asked[size - 1] = 0;
	} else if (key >= '0' && key <= '9' && size < 9) {
		text = qn_xprintf("%s%c", top->asked, (char)key);
		free(top->asked);
		top->asked = text;
	}
}

/* Return: false at the end */
static bool obey(struct top *top, u32 key)
{
	top->message[0] = 0;
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 's':
		top->rows.key = (top->rows.key + 1) % QN_NR_ROW_KEYS;
		break;
	case 'r':
		top->rows.is_reversed = !top->rows.is_reversed;
		break;
	case 'p':
		top->asked = qn_xprintf("%s", "");
		break;
	case '+':
		top->delay = min(top->delay + 1, 3600u);
		break;
	case '-':
		top->delay = max(top->delay - 1, 1u);
		break;
	case QN_KEY_UP:
		move_chosen(top, -1);
		break;
	case QN_KEY_DOWN:
		move_chosen(top, 1);
		break;
	}
	qn_rows_sort(&top->rows);
	return true;
}

/* Keys until it is time to look again. Return: false at the end. */
static bool attend(struct top *top, u64 until)
{
	u64 now = qn_clock_usec();
	u32 key;

	for (; now < until && !qn_interrupted(); now = qn_clock_usec()) {
		draw(top);
		key = qn_screen_key(
			(u32)min((until - now) / 1000 + 1, (u64)200));
		if (key && top->asked)
			type(top, key);
		else if (key && !obey(top, key))
			return false;
	}
	return !qn_interrupted();
}

static int run_view(struct top *top)
{
	bool is_there = qn_rows_look(&top->rows);
	u32 nr = 1;

	if (!is_there)
		return refuse_ended(top);
	if (!qn_screen_begin()) {
		qn_error("this terminal cannot show a view; use --batch");
		return QN_EXIT_FAILURE;
	}
	while (is_there &&
	       attend(top, qn_clock_usec() + (u64)top->delay * 1000000) &&
	       (!top->count || nr++ < top->count))
		is_there = qn_rows_look(&top->rows);
	qn_screen_end();
	if (!is_there)
		printf("process %u has ended\n", top->rows.target.page.pid);
	return 0;
}

/* ---- the command ---- */

static int run(struct top *top)
{
	top->rows.key = top->key;
	if (top->target && qn_live_name(top->target, &top->rows.target))
		return QN_EXIT_FAILURE;
	if (top->is_batch || top->is_json || !qn_screen_is_there())
		return run_batch(top);
	return run_view(top);
}

static int top_main(const struct qn_command *command, int argc, char **argv)
{
	struct top top = { .target = NULL };
	int status;

	(void)argc;
	status = qn_options_read(command, argv, &top);
	qn_interrupt_catch();
	if (!status)
		status = run(&top);
	qn_rows_free(&top.rows);
	free(top.asked);
	if (!status && qn_interrupted())
		qn_launch_end_like(qn_interrupted());
	return status;
}

/* clang-format off */
static const struct qn_option top_options[] = {
	{ "all", 'a', NULL, QN_FLAG(struct top, rows.everybody), .help =
	  "Processes of all users, as far as their directories can be read: as root." },
	{ "batch", 'b', NULL, QN_FLAG(struct top, is_batch), .help =
	  "Print a table for each look, also on a terminal." },
	{ "count", 'n', "N", QN_NUMBER(struct top, count), .help =
	  "End after so many looks. Default: none." },
	{ "delay", 'd', "SECONDS", QN_NUMBER(struct top, delay), .least = 1, .most = 3600,
	  .preset = "1", .help =
	  "Time between two looks. Rates are means over that time; in the first look, since "
	  "the start of the process." },
	{ "sort", 's', NULL, QN_CHOICE(struct top, key), .choices = QN_ROW_KEYS,
	  .preset = "heap", .help =
	  "What the rows are ordered by, the largest first." },
	{ "json", 0, NULL, QN_FLAG(struct top, is_json), .help =
	  "Print a JSON object for each look, in a line of its own; sizes are in bytes." },
	{ "a process", 0, NULL, QN_OPERAND(struct top, target) },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_top = {
	.name = "top",
	.brief = "heaps of the processes that run under quern, live",
	.synopsis = "[OPTIONS] [PID|FILE]",
	.about =
		"Shows the processes that run under quern: all that were "
		"started with QUERN_CONF=live:1 or by quern run, or one of "
		"them, which is named by its number or by the file of its page. "
		"PROCESS is the resident memory of the process, HEAP the part "
		"of it that the heap keeps: blocks in USE by the program, free "
		"memory PINNED by them, free memory KEPT for reuse. MALLOC/S "
		"and FAULT/S are blocks and page faults a second, TABLE the "
		"number of the granule table, PRICE that of memory. Pages of "
		"processes that were killed are removed.",
	.json = "The keys are format, time (seconds since 1970) and processes, "
		"each with pid, program, file, process_resident, heap_resident, "
		"live, peak_live, pinned, kept, metadata, allocations, "
		"allocations_per_second, faults_per_second, returned, "
		"wanted_back, table, policy, price and decisions.",
	.options = top_options,
	.run = top_main,
};
