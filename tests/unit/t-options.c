// SPDX-License-Identifier: MIT
/*
 * t-options.c - a subcommand's arguments, read by its table.
 *
 * Invariants checked here:
 * - a value lands in the member of its row, in every spelling of the option;
 * - what is not given has its preset, or is left as it was;
 * - a value that the row does not allow is refused, at both ends of its range;
 * - each message names the option and says what may be given;
 * - each option has a line of help, with its range and default.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/base/fail.h"
#include "command/base/options.h"

/* help.c lists them */
const struct qn_command *const qn_commands[] = { NULL };

enum colour {
	RED,
	GREEN,
	BLUE
};

struct given {
	bool flag;
	const char *text;
	u32 number;
	u64 size;
	enum colour colour;
	char *settings;
	const char *file;
	char **program;
	struct qn_operands files;
	struct qn_operands also;
};

/* clang-format off */
static const struct qn_option rows[] = {
	{ "flag", 0, NULL, QN_FLAG(struct given, flag), .help = "A flag." },
	{ "output", 'o', "FILE", QN_TEXT(struct given, text), .help = "A text." },
	{ "rounds", 0, "N", QN_NUMBER(struct given, number), .least = 2,
	  .most = 9999, .preset = "5", .help = "A number." },
	{ "heap", 0, "BYTES", QN_SIZE(struct given, size), .least = 1024,
	  .help = "A size." },
	{ "colour", 0, NULL, QN_CHOICE(struct given, colour),
	  .choices = "red|green|blue", .preset = "green", .help = "A choice." },
	{ "conf", 0, "KEY:VALUE", QN_SETTING(struct given, settings), .key = "",
	  .help = "A setting." },
	{ "policy", 0, "NAME", QN_SETTING(struct given, settings),
	  .key = "policy:", .help = "Another one." },
	{ "a file", 0, NULL, QN_OPERAND(struct given, file), .is_needed = true },
	QN_OPTIONS_LAST,
};

static const struct qn_option needy[] = {
	{ "output", 'o', "FILE", QN_TEXT(struct given, text), .is_needed = true,
	  .help = "A text." },
	{ "a program", 0, NULL, QN_PROGRAM(struct given, program),
	  .is_needed = true },
	QN_OPTIONS_LAST,
};
static const struct qn_option greedy[] = {
	{ "flag", 0, NULL, QN_FLAG(struct given, flag), .help = "A flag." },
	{ "also", 0, "FILE", QN_LIST(struct given, also), .help = "A list." },
	{ "files", 0, NULL, QN_OPERANDS(struct given, files), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

static const struct qn_command plain = {
	.name = "plain",
	.synopsis = "[OPTIONS] FILE",
	.about = "Is tested.",
	.options = rows,
};

static const struct qn_command runner = {
	.name = "runner",
	.synopsis = "-o FILE -- PROGRAM",
	.about = "Is tested.",
	.options = needy,
};

static const struct qn_command eater = {
	.name = "eater",
	.synopsis = "FILES",
	.about = "Is tested.",
	.options = greedy,
};

static struct given g;
static char said[1024];

#define READ(command, ...) read_argv(command, (char *[]){ __VA_ARGS__, NULL })

/* What is said on stderr is kept in @said */
static int read_argv(const struct qn_command *command, char **argv)
{
	FILE *kept = tmpfile();
	int err, fd = dup(2);
	size_t n;

	assert_non_null(kept);
	free(g.settings);
	free(g.files.at);
	free(g.also.at);
	g = (struct given){ .size = 7 };
	dup2(fileno(kept), 2);
	err = qn_options_read(command, argv, &g);
	dup2(fd, 2);
	close(fd);
	rewind(kept);
	n = fread(said, 1, sizeof(said) - 1, kept);
	said[n] = 0;
	fclose(kept);
	/* What is wrong is said, in one line, and nothing else is */
	if (err)
		assert_ptr_equal(strchr(said, '\n'), said + n - 1);
	else
		assert_int_equal(n, 0);
	return err;
}

static void assert_says(const char *text)
{
	if (!strstr(said, text))
		fail_msg("'%s' is not in: %s", text, said);
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(READ(&plain, "--flag", "--output=a", "--rounds=7",
			      "--heap=64K", "--colour=blue", "f"),
			 0);
	assert_true(g.flag);
	assert_string_equal(g.text, "a");
	assert_int_equal(g.number, 7);
	assert_int_equal(g.size, 65536);
	assert_int_equal(g.colour, BLUE);
	assert_string_equal(g.file, "f");
}

static void test_presets(void **state)
{
	(void)state;
	assert_int_equal(READ(&plain, "f"), 0);
	assert_false(g.flag);
	assert_null(g.text);
	assert_int_equal(g.number, 5);
	assert_int_equal(g.size, 7);
	assert_int_equal(g.colour, GREEN);
	assert_null(g.settings);
}

static void test_spellings(void **state)
{
	(void)state;
	assert_int_equal(READ(&plain, "--output", "a", "f", "--flag"), 0);
	assert_string_equal(g.text, "a");
	assert_true(g.flag);
	assert_int_equal(READ(&plain, "-o", "b", "-"), 0);
	assert_string_equal(g.text, "b");
	assert_string_equal(g.file, "-");
	assert_int_equal(READ(&plain, "--flag", "--", "--flag"), 0);
	assert_string_equal(g.file, "--flag");
	assert_int_equal(READ(&plain, "--rounds=2", "--rounds=3", "f"), 0);
	assert_int_equal(g.number, 3);
}

static void test_settings_are_joined(void **state)
{
	(void)state;
	assert_int_equal(READ(&plain, "--conf=a:1,b:2", "--policy=rule",
			      "--conf", "c:3", "f"),
			 0);
	assert_string_equal(g.settings, "a:1,b:2,policy:rule,c:3");
}

static void test_program(void **state)
{
	char *argv[] = { "-o", "x", "--", "prog", "-o", "--help", NULL };

	(void)state;
	assert_int_equal(read_argv(&runner, argv), 0);
	assert_ptr_equal(g.program, argv + 3);
	assert_string_equal(g.text, "x");
	assert_int_equal(READ(&runner, "-o", "x", "prog", "--nothing"), 0);
	assert_string_equal(g.program[1], "--nothing");
}

/* Options may stand between them; behind "--" there are none */
static void test_operands(void **state)
{
	(void)state;
	assert_int_equal(READ(&eater, "a", "--flag", "b", "--", "--c"), 0);
	assert_true(g.flag);
	assert_int_equal(g.files.nr, 3);
	assert_string_equal(g.files.at[0], "a");
	assert_string_equal(g.files.at[1], "b");
	assert_string_equal(g.files.at[2], "--c");
	assert_int_equal(READ(&eater, "--also=x", "a", "--also", "y"), 0);
	assert_int_equal(g.also.nr, 2);
	assert_string_equal(g.also.at[0], "x");
	assert_string_equal(g.also.at[1], "y");
	assert_int_equal(g.files.nr, 1);
	assert_int_equal(READ(&eater, "--flag"), QN_EXIT_FAILURE);
	assert_says("eater needs files: quern eater FILES");
}

static void test_ranges(void **state)
{
	(void)state;
	assert_int_equal(READ(&plain, "--rounds=2", "f"), 0);
	assert_int_equal(READ(&plain, "--rounds=9999", "f"), 0);
	assert_int_equal(READ(&plain, "--rounds=1", "f"), QN_EXIT_FAILURE);
	assert_says("--rounds=1: give a number from 2 to 9999\n");
	assert_int_equal(READ(&plain, "--rounds=10000", "f"), QN_EXIT_FAILURE);
	assert_int_equal(READ(&plain, "--rounds=3K", "f"), QN_EXIT_FAILURE);
	assert_int_equal(READ(&plain, "--rounds=-3", "f"), QN_EXIT_FAILURE);
	assert_int_equal(READ(&plain, "--rounds=4294967298", "f"),
			 QN_EXIT_FAILURE);
	assert_int_equal(READ(&plain, "--heap=1K", "f"), 0);
	assert_int_equal(READ(&plain, "--heap=18446744073709551615", "f"), 0);
	assert_true(g.size == UINT64_MAX);
	assert_int_equal(READ(&plain, "--heap=1023", "f"), QN_EXIT_FAILURE);
	assert_says("--heap=1023: give a number from 1K on; K, M or G may "
		    "follow");
	assert_int_equal(READ(&plain, "--heap=17179869184G", "f"),
			 QN_EXIT_FAILURE);
	assert_int_equal(READ(&plain, "--heap=1KB", "f"), QN_EXIT_FAILURE);
}

static void test_choices(void **state)
{
	(void)state;
	assert_int_equal(READ(&plain, "--colour=red", "f"), 0);
	assert_int_equal(g.colour, RED);
	assert_int_equal(READ(&plain, "--colour=re", "f"), QN_EXIT_FAILURE);
	assert_says("--colour=re: give red, green or blue\n");
	assert_int_equal(READ(&plain, "--colour=red|green", "f"),
			 QN_EXIT_FAILURE);
	assert_int_equal(READ(&plain, "--colour=blues", "f"), QN_EXIT_FAILURE);
}

static void test_refusals(void **state)
{
	(void)state;
	assert_int_equal(READ(&plain, "--fla", "f"), QN_EXIT_FAILURE);
	assert_says("plain has no option '--fla'; `quern help plain` lists");
	assert_int_equal(READ(&plain, "-x", "f"), QN_EXIT_FAILURE);
	assert_says("no option '-x'");
	assert_int_equal(READ(&plain, "--a file", "f"), QN_EXIT_FAILURE);
	assert_int_equal(READ(&plain, "f", "--output"), QN_EXIT_FAILURE);
	assert_says("option --output needs a value: --output=FILE");
	assert_int_equal(READ(&plain, "--colour=", "f"), QN_EXIT_FAILURE);
	assert_says("option --colour needs a value: --colour=red|green|blue");
	assert_int_equal(READ(&plain, "--flag=1", "f"), QN_EXIT_FAILURE);
	assert_says("option --flag takes no value");
	assert_int_equal(READ(&plain, "f", "g"), QN_EXIT_FAILURE);
	assert_says("plain: 'g' is too much: quern plain [OPTIONS] FILE");
	assert_int_equal(READ(&plain, "--flag"), QN_EXIT_FAILURE);
	assert_says("plain needs a file: quern plain [OPTIONS] FILE");
	assert_int_equal(READ(&runner, "prog"), QN_EXIT_FAILURE);
	assert_says("runner needs --output: quern runner -o FILE -- PROGRAM");
	assert_int_equal(READ(&runner, "-o", "x", "--"), QN_EXIT_FAILURE);
	assert_says("runner needs a program");
}

static void test_help(void **state)
{
	static const char *const lines[] = {
		"  --flag              A flag.\n",
		"  -o, --output=FILE   A text.\n",
		"  --rounds=N          A number. From 2 to 9999. Default: 5.\n",
		"  --heap=BYTES        A size. From 1K on.\n",
		"A choice. Default: green.\n",
		"  -h, --help          Print this.\n",
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	qn_help_command(out, &plain);
	fclose(out);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_non_null(strstr(text, lines[i]));
	assert_null(strstr(text, "a file"));
	free(text);
}

/* --help ends the process, as a success, wherever it stands */
static void test_help_ends(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(2);
		READ(&plain, "--flag", "-h");
		_exit(1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_settings_are_joined),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
