// SPDX-License-Identifier: MIT
/*
 * t-conf.c - settings and their parser; t-knobs.c has more of the knobs.
 *
 * Invariants checked here:
 * - every option of the table is complete, its preset is accepted by its own
 *   rules, and every choice of policy names a policy;
 * - good text sets what it names and nothing else, the last of equal keys
 *   counts;
 * - bad text changes nothing, returns -EINVAL and a message that names the key,
 *   the value and what is allowed;
 * - no text, however long or damaged, makes the parser read or write outside
 *   its buffers (run with sanitizers), and a message always ends and is
 *   printable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "format/conf.h"
#include "learn/controller.h"
#include "engine/engine.h"
#include "base/config.h"
#include "../random.h"

static struct qn_conf conf;
static char error[QN_CONF_ERROR];

static void assert_good(const char *text)
{
	memset(error, 'x', sizeof(error));
	qn_conf_init(&conf);
	assert_int_equal(qn_conf_parse(&conf, text, error, sizeof(error)), 0);
	assert_string_equal(error, "");
}

static void assert_bad(const char *text, const char *message)
{
	struct qn_conf before;

	qn_conf_init(&conf);
	before = conf;
	assert_int_equal(qn_conf_parse(&conf, text, error, sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, message);
	assert_memory_equal(&conf, &before, sizeof(conf));
}

/* A text, and what it sets; or the part of it that the message quotes */
struct good {
	const char *text;
	size_t value;
};

struct bad {
	const char *text;
	const char *quoted;
};

/* Each of the rows sets *@member, which is in conf */
static void assert_sets(const size_t *member, const struct good *rows,
			size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		assert_good(rows[i].text);
		assert_int_equal(*member, rows[i].value);
	}
}

/* Each of the rows is refused: @before, what is quoted, @behind */
static void assert_quotes(const char *before, const char *behind,
			  const struct bad *rows, size_t nr)
{
	char message[QN_CONF_ERROR];

	for (size_t i = 0; i < nr; i++) {
		snprintf(message, sizeof(message), "%s'%s'%s", before,
			 rows[i].quoted, behind);
		assert_bad(rows[i].text, message);
	}
}

/* Of a value that is refused so much is quoted */
#define QUOTED 32

/* Each of the values is refused for this key: up to a NULL */
static void assert_bad_values(const char *key, const char *allowed,
			      const char *const *values)
{
	char text[512], message[QN_CONF_ERROR];

	for (; *values; values++) {
		snprintf(text, sizeof(text), "%s:%s", key, *values);
		snprintf(message, sizeof(message),
			 "bad value '%.*s%s' for key %s; allowed: %s", QUOTED,
			 *values, strlen(*values) > QUOTED ? "..." : "", key,
			 allowed);
		assert_bad(text, message);
	}
}

#define BAD_VALUES(key, allowed, ...) \
	assert_bad_values(key, allowed, (const char *[]){ __VA_ARGS__, NULL })

static void test_presets(void **state)
{
	(void)state;
	memset(&conf, 0xa5, sizeof(conf));
	qn_conf_init(&conf);
	assert_string_equal(conf.policy, "rule");
	assert_string_equal(conf.stats, "");
	assert_int_equal(conf.sample, QN_SAMPLE_BYTES);
	assert_int_equal(conf.knobs.dirty, 512 << 10);
	assert_int_equal(conf.huge, 0);
	assert_int_equal(conf.seed, 0);
	assert_int_equal(conf.sites, 0);
	assert_string_equal(conf.pressure_root, "");
	assert_string_equal(conf.engine, "quern");
	assert_int_equal(conf.hard, 0);
	assert_int_equal(conf.guard, 0);
	assert_string_equal(conf.on_error, "abort");
	assert_string_equal(conf.tuned, "");
}

/* A file names its policy, unless one is named behind it */
static void test_tuned(void **state)
{
	(void)state;
	assert_good("tuned:/tmp/mill");
	assert_string_equal(conf.tuned, "/tmp/mill");
	assert_string_equal(conf.policy, "tuned");
	assert_good("policy:fixed,tuned:/tmp/mill");
	assert_string_equal(conf.policy, "tuned");
	assert_good("tuned:/tmp/mill,policy:fixed");
	assert_string_equal(conf.policy, "fixed");
}

static void test_table(void **state)
{
	const struct qn_conf_option *o;
	char text[128];

	(void)state;
	assert_int_equal(qn_conf_nr_options, 17);
	for (o = qn_conf_options; o < qn_conf_options + qn_conf_nr_options;
	     o++) {
		assert_null(strpbrk(o->key, ":, "));
		assert_true(o->offset + o->size <= sizeof(conf));
		assert_true(strlen(o->help) > 20);
		assert_true(o->help[strlen(o->help) - 1] == '.');
		if (o->type == QN_CONF_SIZE)
			assert_int_equal(o->size, sizeof(size_t));
		if (o->type == QN_CONF_FILE || o->type == QN_CONF_DIR)
			continue;
		strcpy(text, o->key);
		strcat(text, ":");
		strcat(text, o->preset);
		assert_good(text);
	}
}

static void test_policies(void **state)
{
	char words[64], *word;

	(void)state;
	assert_string_equal(qn_conf_options[0].key, "policy");
	strcpy(words, qn_conf_options[0].choices);
	for (word = strtok(words, " "); word; word = strtok(NULL, " "))
		assert_non_null(qn_policy_find(word));
}

static void test_nothing(void **state)
{
	(void)state;
	assert_good(NULL);
	assert_good("");
	qn_conf_init(&conf);
	assert_int_equal(qn_conf_parse(&conf, NULL, NULL, 0), 0);
	assert_int_equal(qn_conf_parse(&conf, "policy:fixed", NULL, 0), 0);
	assert_string_equal(conf.policy, "fixed");
}

static void test_choice(void **state)
{
	(void)state;
	assert_good("policy:fixed");
	assert_string_equal(conf.policy, "fixed");
	assert_int_equal(conf.sample, QN_SAMPLE_BYTES);
	/* no rest of the longer word stays behind the shorter one */
	assert_good("policy:fixed,policy:rule");
	assert_memory_equal(conf.policy, "rule\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void test_size(void **state)
{
	static const struct good samples[] = {
		{ "sample:4096", 4096 },
		{ "sample:4K", 4096 },
		{ "sample:4k", 4096 },
		{ "sample:1M", 1 << 20 },
		{ "sample:1m", 1 << 20 },
		{ "sample:1G", 1 << 30 },
		{ "sample:1g", 1 << 30 },
		{ "sample:5000", 5000 },
		{ "sample:0000000000000000000000005000", 5000 },
		{ "sample:1073741824", 1 << 30 },
	};
	static const struct good dirty[] = {
		{ "dirty:0", 0 },
		{ "dirty:0G", 0 },
		{ "dirty:7M", 7 << 20 },
	};

	(void)state;
	assert_sets(&conf.sample, samples, ARRAY_SIZE(samples));
	assert_sets(&conf.knobs.dirty, dirty, ARRAY_SIZE(dirty));
}

static void test_path(void **state)
{
	char text[210] = "stats:";

	(void)state;
	assert_good("stats:/tmp");
	assert_string_equal(conf.stats, "/tmp");
	assert_good("stats:a:b c=d");
	assert_string_equal(conf.stats, "a:b c=d");
	assert_good("stats:/very/long/one,stats:/b");
	assert_string_equal(conf.stats, "/b");
	memset(text + 6, '/', sizeof(conf.stats) - 1);
	assert_good(text);
	assert_int_equal(strlen(conf.stats), sizeof(conf.stats) - 1);
}

static void test_several(void **state)
{
	(void)state;
	assert_good("sample:8K,policy:fixed,stats:/x,dirty:1M,sample:16K");
	assert_string_equal(conf.policy, "fixed");
	assert_string_equal(conf.stats, "/x");
	assert_int_equal(conf.sample, 16384);
	assert_int_equal(conf.knobs.dirty, 1 << 20);
	/* a second text changes only what it names */
	assert_int_equal(qn_conf_parse(&conf, "dirty:2K", error, sizeof(error)),
			 0);
	assert_string_equal(conf.policy, "fixed");
	assert_int_equal(conf.knobs.dirty, 2048);
}

#define NAME(name, unit, preset, least, most, help) ", " #name
#define KEYS                                                                                    \
	"policy, tuned, stats, live, report, metrics, sample, huge, seed, sites, alpha, beta, " \
	"pressure_root, engine, hard, guard, on_error" QN_KNOBS(NAME)
#define NO_COLON "; write KEY:VALUE,KEY:VALUE, known keys: " KEYS

static void test_bad_form(void **state)
{
	static const struct bad rows[] = {
		{ "policy", "policy" },
		{ "policy=fixed", "policy=fixed" },
		{ ",", "" },
		{ "policy:fixed,", "" },
		{ "policy:fixed,,dirty:1M", "" },
		{ " ", " " },
	};

	(void)state;
	assert_quotes("no ':' in ", NO_COLON, rows, ARRAY_SIZE(rows));
}

static void test_bad_key(void **state)
{
	static const struct bad rows[] = {
		{ "polcy:fixed", "polcy" },
		{ "policyx:fixed", "policyx" },
		{ "Policy:fixed", "Policy" },
		{ " policy:fixed", " policy" },
		{ ":fixed", "" },
		/* what stood before it is not applied */
		{ "dirty:1K,x:1", "x" },
		/* nothing of it reaches a terminal as it is */
		{ "a\nb\033[31m\xff:1", "a?b?[31m?" },
	};

	(void)state;
	assert_quotes("unknown key ", "; known keys: " KEYS, rows,
		      ARRAY_SIZE(rows));
}

static void test_bad_choice(void **state)
{
	(void)state;
	BAD_VALUES("policy", "fixed, rule, bandit, dqn, paper-dqn, tuned", "",
		   "rul", "rules", "fixed rule", " ");
}

#define DIGITS  ", digits and then K, M, G or nothing"
#define SAMPLE  "4K to 1G" DIGITS
#define DIRTY   "0 to 1024G" DIGITS
#define DECIMAL "a decimal such as 7.5, from 0.001 to 1000000"

static void test_bad_size(void **state)
{
	(void)state;
	BAD_VALUES("sample", SAMPLE, "", "K", "0", "4095", "1073741825",
		   "-5000", "+5000", " 5000", "5000 ", "0x2000", "8KK", "8KB",
		   "8.5K", "8T");
	/* 0 is allowed here, nothing is not */
	BAD_VALUES("dirty", DIRTY, "", "M", "-0");
}

/* One number, or the weights of time and memory */
static void test_price(void **state)
{
	static const struct good prices[] = {
		{ "sites:0", 2000 },
		{ "price:7.5", 7500 },
		{ "price:0.075", 75 },
		{ "price:.075", 75 },
		{ "price:75", 75000 },
		{ "price:75.", 75000 },
		{ "price:0.001", 1 },
		{ "price:1000000", 1000000000 },
		{ "alpha:2", 1000 },
		{ "beta:0.75", 750 },
		{ "alpha:0.5,beta:4", 8000 },
		{ "beta:4,alpha:0.5", 8000 },
		{ "alpha:1000000,beta:0.001", 1 },
		{ "alpha:2,price:3", 3000 },
		{ "price:3,alpha:2", 1000 },
	};

	(void)state;
	assert_sets(&conf.knobs.price, prices, ARRAY_SIZE(prices));
	BAD_VALUES("price", DECIMAL, "", ".", "0", "0.0005", "1.2345", "7.5K",
		   "7K", "-1", "1e3", "1000001", "18446744073709552",
		   "99999999999999999999");
	BAD_VALUES("alpha", DECIMAL, "0");
}

/* 2^64 + 8192 and the like must not come round to something allowed */
static void test_overflow(void **state)
{
	(void)state;
	BAD_VALUES("sample", SAMPLE, "18446744073709559808");
	BAD_VALUES("dirty", DIRTY, "18446744073709551616", "17179869185G",
		   "18014398509481984K", "1025G",
		   "99999999999999999999999999999999999999999");
}

#define PATH "a path of 1 to 199 bytes without ','"

static void test_bad_path(void **state)
{
	char path[400] = "";

	(void)state;
	memset(path, '/', sizeof(conf.stats));
	BAD_VALUES("stats", PATH, path);
	memset(path, '/', sizeof(path) - 1);
	BAD_VALUES("stats", PATH, path, "");
	assert_bad("policy:fixed,stats:,dirty:1",
		   "bad value '' for key stats; allowed: " PATH);
}

/* Each length of the buffer gives the beginning of the message, terminated */
static void test_short_buffer(void **state)
{
	const char *whole = "unknown key 'polcy'; known keys: " KEYS;
	size_t size;
	char *buffer;

	(void)state;
	for (size = 1; size < 80; size++) {
		buffer = malloc(size);
		assert_non_null(buffer);
		qn_conf_init(&conf);
		assert_int_equal(qn_conf_parse(&conf, "polcy:1", buffer, size),
				 -EINVAL);
		assert_int_equal(strlen(buffer), min(size - 1, strlen(whole)));
		assert_memory_equal(buffer, whole, strlen(buffer));
		free(buffer);
	}
	assert_int_equal(qn_conf_parse(&conf, "polcy:1", NULL, 0), -EINVAL);
}

static void put_random(char *text, size_t size)
{
	static const char *const pieces[] = {
		"policy", "stats", "sample", "dirty", ":",
		",",      "rule",  "carve",  "fixed", "K",
		"M",      "1",     "999",    "0G",    "/tmp",
	};
	size_t n = 0;
	const char *piece;

	while (n + 8 < size && roll(12)) {
		piece = pieces[roll(ARRAY_SIZE(pieces))];
		if (roll(8))
			n += strlen(strcpy(text + n, piece));
		else
			text[n++] = (char)(1 + roll(255));
	}
	text[n] = '\0';
}

static void assert_sane(void)
{
	assert_non_null(qn_policy_find(conf.policy));
	assert_non_null(memchr(conf.stats, 0, sizeof(conf.stats)));
	assert_in_range(conf.sample, 4096, 1 << 30);
	assert_true(qn_knobs_are_valid(&conf.knobs));
}

/* In a buffer of just its length, so that a sanitizer sees each step too far */
static void test_random(void **state)
{
	unsigned int i, nr_good = 0;
	char text[300], *exact;
	size_t k;
	int err;

	(void)state;
	for (i = 0; i < 200000; i++) {
		put_random(text, sizeof(text));
		exact = strdup(text);
		assert_non_null(exact);
		qn_conf_init(&conf);
		err = qn_conf_parse(&conf, exact, error, sizeof(error));
		free(exact);
		assert_true(err == 0 || err == -EINVAL);
		assert_true((err == 0) == (error[0] == '\0'));
		assert_sane();
		for (k = 0; error[k]; k++)
			assert_true(error[k] >= ' ' && error[k] <= '~');
		assert_true(k < sizeof(error) - 1);
		nr_good += err == 0 && text[0];
	}
	assert_true(nr_good > 100);
}

/* Every engine can be chosen by its name, and nothing else can */
static void test_engines(void **state)
{
	const struct qn_conf_option *o = qn_conf_options;
	unsigned int nr = 1;
	char text[64];

	(void)state;
	assert_good("engine:quern");
	for (unsigned int i = 0; qn_engines[i]; i++) {
		snprintf(text, sizeof(text), "engine:%s", qn_engines[i]->name);
		assert_good(text);
		assert_ptr_equal(qn_engine_find(conf.engine), qn_engines[i]);
		nr++;
	}
	while (strcmp(o->key, "engine"))
		o++;
	for (const char *c = o->choices; *c; c++)
		nr -= *c == ' ';
	assert_int_equal(nr, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_engines),
		cmocka_unit_test(test_tuned),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_bad_form),
		cmocka_unit_test(test_bad_key),
		cmocka_unit_test(test_bad_choice),
		cmocka_unit_test(test_bad_size),
		cmocka_unit_test(test_price),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_bad_path),
		cmocka_unit_test(test_short_buffer),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
