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
	assert_string_equal(conf.engine, "quern");
}

static void test_table(void **state)
{
	const struct qn_conf_option *o;
	char text[128];

	(void)state;
	assert_int_equal(qn_conf_nr_options, 9);
	for (o = qn_conf_options; o < qn_conf_options + qn_conf_nr_options;
	     o++) {
		assert_null(strpbrk(o->key, ":, "));
		assert_true(o->offset + o->size <= sizeof(conf));
		assert_true(strlen(o->help) > 20);
		assert_true(o->help[strlen(o->help) - 1] == '.');
		if (o->type == QN_CONF_SIZE)
			assert_int_equal(o->size, sizeof(size_t));
		if (o->type == QN_CONF_PATH)
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

static void assert_sample(const char *text, size_t want)
{
	assert_good(text);
	assert_int_equal(conf.sample, want);
}

static void test_size(void **state)
{
	(void)state;
	assert_sample("sample:4096", 4096);
	assert_sample("sample:4K", 4096);
	assert_sample("sample:4k", 4096);
	assert_sample("sample:1M", 1 << 20);
	assert_sample("sample:1m", 1 << 20);
	assert_sample("sample:1G", 1 << 30);
	assert_sample("sample:1g", 1 << 30);
	assert_sample("sample:5000", 5000);
	assert_sample("sample:0000000000000000000000005000", 5000);
	assert_sample("sample:1073741824", 1 << 30);
	assert_good("dirty:0");
	assert_int_equal(conf.knobs.dirty, 0);
	assert_good("dirty:0G");
	assert_int_equal(conf.knobs.dirty, 0);
	assert_good("dirty:7M");
	assert_int_equal(conf.knobs.dirty, 7 << 20);
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
#define KEYS                                                                      \
	"policy, stats, sample, huge, seed, sites, alpha, beta, engine" QN_KNOBS( \
		NAME)
#define NO_COLON "; write KEY:VALUE,KEY:VALUE, known keys: " KEYS

static void test_bad_form(void **state)
{
	(void)state;
	assert_bad("policy", "no ':' in 'policy'" NO_COLON);
	assert_bad("policy=fixed", "no ':' in 'policy=fixed'" NO_COLON);
	assert_bad(",", "no ':' in ''" NO_COLON);
	assert_bad("policy:fixed,", "no ':' in ''" NO_COLON);
	assert_bad("policy:fixed,,dirty:1M", "no ':' in ''" NO_COLON);
	assert_bad(" ", "no ':' in ' '" NO_COLON);
}

static void test_bad_key(void **state)
{
	(void)state;
	assert_bad("polcy:fixed", "unknown key 'polcy'; known keys: " KEYS);
	assert_bad("policyx:fixed", "unknown key 'policyx'; known keys: " KEYS);
	assert_bad("Policy:fixed", "unknown key 'Policy'; known keys: " KEYS);
	assert_bad(" policy:fixed", "unknown key ' policy'; known keys: " KEYS);
	assert_bad(":fixed", "unknown key ''; known keys: " KEYS);
	/* what stood before it is not applied */
	assert_bad("dirty:1K,x:1", "unknown key 'x'; known keys: " KEYS);
}

#define POLICY " for key policy; allowed: fixed, rule"

static void test_bad_choice(void **state)
{
	(void)state;
	assert_bad("policy:", "bad value ''" POLICY);
	assert_bad("policy:rul", "bad value 'rul'" POLICY);
	assert_bad("policy:rules", "bad value 'rules'" POLICY);
	assert_bad("policy:fixed rule", "bad value 'fixed rule'" POLICY);
	assert_bad("policy: ", "bad value ' '" POLICY);
}

#define DIGITS ", digits and then K, M, G or nothing"
#define SAMPLE " for key sample; allowed: 4K to 1G" DIGITS
#define DIRTY  " for key dirty; allowed: 0 to 1024G" DIGITS

static void test_bad_size(void **state)
{
	(void)state;
	assert_bad("sample:", "bad value ''" SAMPLE);
	assert_bad("sample:K", "bad value 'K'" SAMPLE);
	assert_bad("sample:0", "bad value '0'" SAMPLE);
	assert_bad("sample:4095", "bad value '4095'" SAMPLE);
	assert_bad("sample:1073741825", "bad value '1073741825'" SAMPLE);
	assert_bad("sample:-5000", "bad value '-5000'" SAMPLE);
	assert_bad("sample:+5000", "bad value '+5000'" SAMPLE);
	assert_bad("sample: 5000", "bad value ' 5000'" SAMPLE);
	assert_bad("sample:5000 ", "bad value '5000 '" SAMPLE);
	assert_bad("sample:0x2000", "bad value '0x2000'" SAMPLE);
	assert_bad("sample:8KK", "bad value '8KK'" SAMPLE);
	assert_bad("sample:8KB", "bad value '8KB'" SAMPLE);
	assert_bad("sample:8.5K", "bad value '8.5K'" SAMPLE);
	assert_bad("sample:8T", "bad value '8T'" SAMPLE);
	/* 0 is allowed here, nothing is not */
	assert_bad("dirty:", "bad value ''" DIRTY);
	assert_bad("dirty:M", "bad value 'M'" DIRTY);
	assert_bad("dirty:-0", "bad value '-0'" DIRTY);
}

#define PRICE \
	" for key price; allowed: a decimal such as 7.5, from 0.001 to 1000000"

static void check_price(const char *text, size_t price)
{
	char error[QN_CONF_ERROR];

	qn_conf_init(&conf);
	assert_int_equal(qn_conf_parse(&conf, text, error, sizeof(error)), 0);
	assert_int_equal(conf.knobs.price, price);
}

/* One number, or the weights of time and memory */
static void test_price(void **state)
{
	(void)state;
	check_price("sites:0", 2000);
	check_price("price:7.5", 7500);
	check_price("price:0.075", 75);
	check_price("price:.075", 75);
	check_price("price:75", 75000);
	check_price("price:75.", 75000);
	check_price("price:0.001", 1);
	check_price("price:1000000", 1000000000);
	check_price("alpha:2", 1000);
	check_price("beta:0.75", 750);
	check_price("alpha:0.5,beta:4", 8000);
	check_price("beta:4,alpha:0.5", 8000);
	check_price("alpha:1000000,beta:0.001", 1);
	check_price("alpha:2,price:3", 3000);
	check_price("price:3,alpha:2", 1000);
	assert_bad("price:", "bad value ''" PRICE);
	assert_bad("price:.", "bad value '.'" PRICE);
	assert_bad("price:0", "bad value '0'" PRICE);
	assert_bad("price:0.0005", "bad value '0.0005'" PRICE);
	assert_bad("price:1.2345", "bad value '1.2345'" PRICE);
	assert_bad("price:7.5K", "bad value '7.5K'" PRICE);
	assert_bad("price:7K", "bad value '7K'" PRICE);
	assert_bad("price:-1", "bad value '-1'" PRICE);
	assert_bad("price:1e3", "bad value '1e3'" PRICE);
	assert_bad("price:1000001", "bad value '1000001'" PRICE);
	assert_bad("price:18446744073709552",
		   "bad value '18446744073709552'" PRICE);
	assert_bad("price:99999999999999999999",
		   "bad value '99999999999999999999'" PRICE);
	assert_bad("alpha:0", "bad value '0' for key alpha; allowed: a decimal "
			      "such as 7.5, from 0.001 to 1000000");
}

/* 2^64 + 8192 and the like must not come round to something allowed */
static void test_overflow(void **state)
{
	(void)state;
	assert_bad("sample:18446744073709559808",
		   "bad value '18446744073709559808'" SAMPLE);
	assert_bad("dirty:18446744073709551616",
		   "bad value '18446744073709551616'" DIRTY);
	assert_bad("dirty:17179869185G", "bad value '17179869185G'" DIRTY);
	assert_bad("dirty:18014398509481984K",
		   "bad value '18014398509481984K'" DIRTY);
	assert_bad("dirty:1025G", "bad value '1025G'" DIRTY);
	assert_bad("dirty:99999999999999999999999999999999999999999",
		   "bad value '99999999999999999999999999999999...'" DIRTY);
}

static void test_bad_path(void **state)
{
	char text[400] = "stats:";
	const char *stats =
		" for key stats; allowed: a path of 1 to 199 bytes without ','";
	char message[QN_CONF_ERROR] =
		"bad value '////////////////////////////////...'";

	(void)state;
	strcat(message, stats);
	memset(text + 6, '/', sizeof(conf.stats));
	assert_bad(text, message);
	memset(text + 6, '/', 390);
	assert_bad(text, message);
	strcpy(message, "bad value ''");
	strcat(message, stats);
	assert_bad("stats:", message);
	assert_bad("policy:fixed,stats:,dirty:1", message);
}

static void test_quotes(void **state)
{
	(void)state;
	assert_bad("a\nb\033[31m\xff:1",
		   "unknown key 'a?b?[31m?'; known keys: " KEYS);
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
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_short_buffer),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
