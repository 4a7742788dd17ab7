// SPDX-License-Identifier: MIT
/*
 * cmd-ctl.c - quern ctl: other settings in a process that runs, and what it knows.
 *
 * All that is asked for is checked before the process is: a request that it must refuse says
 * here what is allowed. Settings go in one request, so all of them hold or none.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "learn/presets.h"
#include "command/base/fail.h"
#include "command/base/json.h"
#include "command/base/options.h"
#include "command/base/text.h"
#include "format/conf.h"
#include "ask.h"
#include "figures-live.h"

/* Of --json: another meaning of a key raises it */
#define FORMAT 1

/**
 * struct ctl - one call of quern ctl
 * @target:	a process or a file
 * @words:	what is asked of it
 * @wait:	seconds for each answer
 * @is_json:	--json
 * @settings:	those of @words, as QUERN_CONF has them
 * @purge, @profile, @decisions: of @words
 * @is_silent:	it gave no answer, and none is needed
 */
struct ctl {
	const char *target;
	struct qn_operands words;
	u32 wait;
	bool is_json;
	char *settings;
	bool purge;
	bool profile;
	bool decisions;
	bool is_silent;
	struct qn_live live;
	struct qn_ask ask;
	json_t *json;
};

/* ---- what is asked for ---- */

static bool is_knob(const char *key, size_t size)
{
	for (unsigned int i = 0; i < qn_conf_nr_knobs; i++)
		if (strlen(qn_conf_knobs[i].key) == size &&
		    !memcmp(qn_conf_knobs[i].key, key, size))
			return true;
	return false;
}

static int refuse_word(const char *word)
{
	qn_error("a process cannot be asked for '%s'; give KNOB=VALUE, "
		 "policy=NAME, purge, profile or decisions (knobs: quern help "
		 "run)",
		 word);
	return QN_EXIT_FAILURE;
}

/* "KEY=VALUE", as QUERN_CONF would have it */
static int add_setting(struct ctl *ctl, const char *word)
{
	size_t key = strcspn(word, "=:");
	char *setting = qn_xprintf("%.*s:%s", (int)key, word, word + key + 1);
	struct qn_conf conf;
	char error[QN_CONF_ERROR];
	int status = 0;

	qn_conf_init(&conf);
	if (!is_knob(word, key) && strncmp(setting, "policy:", 7) != 0) {
		status = refuse_word(word);
	} else if (strchr(setting, ',') ||
		   qn_conf_parse(&conf, setting, error, sizeof(error))) {
		qn_error("%s",
			 strchr(setting, ',') ?
				 "give each setting as a word of its own" :
				 error);
		status = QN_EXIT_FAILURE;
	} else {
		qn_settings_add(&ctl->settings, "", setting);
	}
	free(setting);
	return status;
}

static int read_word(struct ctl *ctl, const char *word)
{
	if (!strcmp(word, "purge"))
		ctl->purge = true;
	else if (!strcmp(word, "profile"))
		ctl->profile = true;
	else if (!strcmp(word, "decisions"))
		ctl->decisions = true;
	else if (word[strcspn(word, "=:")])
		return add_setting(ctl, word);
	else
		return refuse_word(word);
	return 0;
}

static int read_words(struct ctl *ctl)
{
	int status = 0;

	for (u32 i = 0; i < ctl->words.nr && !status; i++)
		status = read_word(ctl, ctl->words.at[i]);
	if (!status && ctl->settings &&
	    strlen(ctl->settings) >= QN_STATS_CONTROL_TEXT) {
		qn_error("that is too much for one request: %d bytes of "
			 "settings at most",
			 QN_STATS_CONTROL_TEXT - 1);
		status = QN_EXIT_FAILURE;
	}
	return status;
}

/* ---- requests ---- */

/* Threads look when they ask for memory; the helper also while they do not */
static const char *silence_of(const struct ctl *ctl)
{
	if (!ctl->live.page.knobs.helper)
		return "it was started with helper:0, so it looks only once in "
		       "some hundred KB that it asks for";
	return "it looks once in some hundred KB that it asks for; while it is "
	       "idle only a helper looks, which a heap of less than 4 MB does "
	       "not have";
}

static void tell_of_silence(const struct ctl *ctl, const char *what)
{
	qn_error("process %u has not looked yet, and %s: %s. Ask again with "
		 "--wait=60 or give it work; or start it with "
		 "QUERN_CONF=live:1 (quern run --conf=live:1), and it answers "
		 "while it is idle",
		 ctl->live.page.pid, what, silence_of(ctl));
}

static int refuse_answer(const struct ctl *ctl, int err)
{
	const char *why;

	switch (err) {
	case -ETIMEDOUT:
		tell_of_silence(ctl, "nothing was changed");
		return QN_EXIT_FAILURE;
	case -ESRCH:
		why = "it has ended";
		break;
	case -ESTALE:
		why = "it became another program, which shows nothing";
		break;
	case -ENOSYS:
		why = "it does not know that request: its library is another "
		      "build";
		break;
	case -EINVAL:
		why = "it refused: its library has no such setting, or the "
		      "policy needs what QUERN_CONF did not have at its start "
		      "(tuned:FILE)";
		break;
	case -ERANGE:
		why = "it refused the value";
		break;
	default:
		why = strerror(-err);
	}
	qn_error("process %u: %s", ctl->live.page.pid, why);
	return QN_EXIT_FAILURE;
}

/* The page of the program that the process became comes a tenth of a second later, if at all */
static bool follow(struct ctl *ctl)
{
	u64 until = qn_clock_usec() + ctl->wait * 1000000ull;

	qn_ask_end(&ctl->ask);
	while (!qn_live_follow(&ctl->live)) {
		if (qn_clock_usec() >= until || qn_live_is_over(&ctl->live))
			return false;
		usleep(20000);
	}
	return !qn_ask_begin(&ctl->ask, &ctl->live);
}

static int request(struct ctl *ctl, u32 command, const char *text, u64 *value)
{
	int err;

	do
		err = qn_ask(&ctl->ask, command, text, ctl->wait * 1000, value);
	while (err == -ESTALE && follow(ctl));
	return err;
}

static int ask(struct ctl *ctl, u32 command, const char *text, u64 *value)
{
	int err = request(ctl, command, text, value);

	return err ? refuse_answer(ctl, err) : 0;
}

/* ---- answers ---- */

static struct qn_text value_text(const struct qn_conf_knob *k,
				 const struct qn_knobs *knobs)
{
	struct qn_text t;
	size_t value;

	memcpy(&value, (const char *)knobs + k->offset, sizeof(value));
	if (!k->is_milli)
		return qn_text_units(value);
	snprintf(t.s, sizeof(t.s), "%.15g", (double)value / 1000);
	return t;
}

static bool is_preset(const struct qn_conf_knob *k,
		      const struct qn_knobs *knobs)
{
	size_t value;

	memcpy(&value, (const char *)knobs + k->offset, sizeof(value));
	return value == k->preset;
}

static void print_state(const struct ctl *ctl)
{
	struct qn_lines l = qn_lines_whole_to(stdout);
	const struct qn_stats_page *page = &ctl->live.page;
	const struct qn_conf_knob *k;
	char name[sizeof(page->exe)];

	qn_text_clean(name, sizeof(name), page->exe);
	qn_line(&l, "process %u (%s): policy %s, price %s", page->pid, name,
		page->policy, qn_live_price(page).s);
	for (k = qn_conf_knobs + 1; k < qn_conf_knobs + qn_conf_nr_knobs; k++)
		if (!is_preset(k, &page->knobs))
			qn_line(&l, "  %s %s%s", k->key,
				value_text(k, &page->knobs).s,
				is_preset(k, &page->conf_knobs) ?
					" (by the policy)" :
					"");
}

static void put_state(const struct ctl *ctl)
{
	const struct qn_stats_page *page = &ctl->live.page;
	const struct qn_conf_knob *k = qn_conf_knobs;
	json_t *knobs = json_object();
	char name[sizeof(page->exe)];

	qn_text_clean(name, sizeof(name), page->exe);
	json_object_set_new(ctl->json, "pid", json_integer(page->pid));
	json_object_set_new(ctl->json, "program", json_string(name));
	json_object_set_new(ctl->json, "policy", json_string(page->policy));
	json_object_set_new(ctl->json, "answered",
			    json_boolean(!ctl->is_silent));
	for (; k < qn_conf_knobs + qn_conf_nr_knobs; k++) {
		size_t value;

		memcpy(&value, (const char *)&page->knobs + k->offset,
		       sizeof(value));
		json_object_set_new(knobs, k->key,
				    k->is_milli ?
					    json_real((double)value / 1000) :
					    json_integer((json_int_t)value));
	}
	json_object_set_new(ctl->json, "knobs", knobs);
}

/* Of the sizes that were asked for lately, those that are a hundredth or more of all bytes */
static void print_profile(const struct ctl *ctl)
{
	struct qn_lines l = qn_lines_whole_to(stdout);
	const struct qn_stats_sizes *s = &ctl->live.page.sizes;
	u32 nr = min(s->nr, (u32)QN_STATS_SIZES);

	qn_line(&l, "sizes asked for lately, by share of bytes:");
	for (u32 i = 1; i < nr; i++)
		if (s->weight[i] && (u64)s->weight[i] * 100 >= s->total)
			qn_line(&l, "  %5u B %7s", i * s->step,
				qn_text_share(s->weight[i], s->total).s);
	qn_line(&l, "  larger  %7s", qn_text_share(s->large, s->total).s);
}

static void put_profile(const struct ctl *ctl, u64 samples)
{
	const struct qn_stats_sizes *s = &ctl->live.page.sizes;
	u32 nr = min(s->nr, (u32)QN_STATS_SIZES);
	json_t *o = json_object(), *list = json_array();

	for (u32 i = 1; i < nr; i++)
		if (s->weight[i])
			json_array_append_new(
				list,
				json_pack("{s:I,s:I}", "size",
					  (json_int_t)i * s->step, "weight",
					  (json_int_t)s->weight[i]));
	json_object_set_new(o, "samples", json_integer((json_int_t)samples));
	json_object_set_new(o, "total", json_integer(s->total));
	json_object_set_new(o, "larger", json_integer(s->large));
	json_object_set_new(o, "sizes", list);
	json_object_set_new(ctl->json, "profile", o);
}

static void print_decisions(const struct ctl *ctl)
{
	struct qn_lines l = qn_lines_whole_to(stdout);
	const struct qn_stats_page *page = &ctl->live.page;
	u32 nr = qn_live_nr_decisions(page);

	qn_line(&l, "%llu changes of the table and of knobs",
		(unsigned long long)page->nr_changes);
	for (u32 i = 0; i < nr; i++)
		qn_line(&l, "  %s", qn_live_decision(page, i).s);
	nr = qn_live_nr_choices(page);
	if (nr)
		qn_line(&l, "%u choices among presets", page->decisions.nr);
	for (u32 i = 0; i < nr; i++)
		qn_line(&l, "  %s", qn_live_choice(page, i).s);
}

static void put_decisions(const struct ctl *ctl)
{
	const struct qn_stats_page *page = &ctl->live.page;
	json_t *list = json_array();

	for (u32 i = 0; i < qn_live_nr_decisions(page); i++)
		json_array_append_new(list,
				      json_string(qn_live_decision(page, i).s));
	json_object_set_new(ctl->json, "decisions", list);
	list = json_array();
	for (u32 i = 0; i < qn_live_nr_choices(page); i++)
		json_array_append_new(list,
				      json_string(qn_live_choice(page, i).s));
	json_object_set_new(ctl->json, "choices", list);
}

/* ---- the command ---- */

static int do_purge(struct ctl *ctl)
{
	u64 bytes = 0;
	int status = ask(ctl, QN_STATS_COMMAND_PURGE, "", &bytes);

	if (status)
		return status;
	if (ctl->json)
		json_object_set_new(ctl->json, "purged_bytes",
				    json_integer((json_int_t)bytes));
	else
		printf("returned %s to the system\n", qn_text_size(bytes).s);
	return 0;
}

static int do_profile(struct ctl *ctl)
{
	u64 samples = 0;
	int status = ask(ctl, QN_STATS_COMMAND_SIZES, "", &samples);

	if (status)
		return status;
	if (ctl->json)
		put_profile(ctl, samples);
	else
		print_profile(ctl);
	return 0;
}

static void do_decisions(struct ctl *ctl)
{
	if (ctl->json)
		put_decisions(ctl);
	else
		print_decisions(ctl);
}

/* Settings are in the page whether it answers or not; figures are as it noted them last */
static int ask_state(struct ctl *ctl)
{
	u64 value;
	int err;

	if (ctl->settings)
		return ask(ctl, QN_STATS_COMMAND_SET, ctl->settings, &value);
	err = request(ctl, QN_STATS_COMMAND_LOOK, "", &value);
	ctl->is_silent = err == -ETIMEDOUT;
	if (!ctl->is_silent)
		return err ? refuse_answer(ctl, err) : 0;
	if (ctl->purge || ctl->profile)
		return refuse_answer(ctl, err);
	tell_of_silence(ctl, "this is what it noted last");
	return 0;
}

/* Settings first; without any the process is asked to bring its page up to date */
static int talk(struct ctl *ctl)
{
	int status = ask_state(ctl);

	if (status)
		return status;
	if (ctl->json)
		put_state(ctl);
	else
		print_state(ctl);
	if (ctl->purge)
		status = do_purge(ctl);
	if (!status && ctl->profile)
		status = do_profile(ctl);
	if (!status && ctl->decisions)
		do_decisions(ctl);
	return status;
}

static int ctl_main(const struct qn_command *command, int argc, char **argv)
{
	struct ctl ctl = { .ask.fd = -1 };
	int status;

	(void)argc;
	status = qn_options_read(command, argv, &ctl);
	if (!status)
		status = read_words(&ctl);
	if (!status)
		status = qn_live_name(ctl.target, &ctl.live);
	if (!status)
		status = qn_ask_begin(&ctl.ask, &ctl.live);
	if (ctl.is_json)
		ctl.json = json_pack("{s:i}", "format", FORMAT);
	if (!status)
		status = talk(&ctl);
	if (!status && ctl.json)
		qn_json_print(stdout, json_incref(ctl.json));
	json_decref(ctl.json);
	qn_ask_end(&ctl.ask);
	free(ctl.live.path);
	free(ctl.words.at);
	free(ctl.settings);
	return status;
}

/* clang-format off */
static const struct qn_option ctl_options[] = {
	{ "wait", 'w', "SECONDS", QN_NUMBER(struct ctl, wait), .least = 1, .most = 3600,
	  .preset = "3", .help =
	  "How long to wait for an answer. An idle process answers if it has a helper." },
	{ "json", 0, NULL, QN_FLAG(struct ctl, is_json), .help =
	  "Print one JSON object: pid, program, policy, knobs, and what was asked for." },
	{ "a process", 0, NULL, QN_OPERAND(struct ctl, target), .is_needed = true },
	{ "requests", 0, NULL, QN_OPERANDS(struct ctl, words),
	  .choices = "purge|profile|decisions|policy=|price=|dirty=" },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_ctl = {
	.name = "ctl",
	.brief =
		"settings of a process that runs under quern, and what it knows",
	.synopsis = "[OPTIONS] PID|FILE [policy=NAME] [KNOB=VALUE] [purge] "
		    "[profile] [decisions]",
	.about =
		"Changes settings of a process that runs under quern, and asks "
		"what it knows: purge returns free memory to the system, profile "
		"tells the sizes that were asked for lately, decisions what was "
		"changed and why. Without a request it prints the settings in "
		"force. The process is one that was started with "
		"QUERN_CONF=live:1 or by quern run, or the file of its page; it "
		"is not stopped. It looks once in some hundred KB that it asks "
		"for, and under QUERN_CONF=live:1 also while it is idle. Settings that count at "
		"the start of a process or "
		"thread alone (fence) hold for new threads.",
	.json = "The keys are format, pid, program, policy, answered (false: "
		"it did not look, and this is what it noted last), knobs, and "
		"what was asked for: purged_bytes; profile with samples, "
		"total, larger and sizes (size, weight); decisions and "
		"choices.",
	.options = ctl_options,
	.run = ctl_main,
};
