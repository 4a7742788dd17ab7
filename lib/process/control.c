// SPDX-License-Identifier: MIT
/*
 * control.c - requests of others: read, checked, done, answered.
 */
#include "process/control.h"

#include <errno.h>
#include <string.h>

#include "learn/presets.h"
#include "port/port.h"

_Static_assert(QN_HUB_STEPS <= QN_STATS_SIZES,
	       "the page has room for all sizes");

/**
 * struct wish - settings of a request, before any of them is in force
 * @policy:	another one, or NULL
 * @knobs:	those in force, and what is asked for
 */
struct wish {
	const struct qn_policy *policy;
	struct qn_knobs knobs;
};

/* ---- settings ---- */

/* The sizes that policy tuned has are read from a file, at the start or never */
static int wish_policy(const struct qn_hub *hub, struct wish *w,
		       const char *name, size_t size)
{
	char text[sizeof(hub->conf.policy)] = "";

	if (size >= sizeof(text))
		return -EINVAL;
	memcpy(text, name, size);
	w->policy = qn_policy_find(text);
	if (!w->policy ||
	    (w->policy == &qn_policy_tuned && !hub->conf.tuned[0]))
		return -EINVAL;
	return 0;
}

/* One KEY:VALUE of @size bytes */
static int wish_item(const struct qn_hub *hub, struct wish *w, const char *item,
		     size_t size)
{
	static const char policy[] = "policy";
	const char *colon = memchr(item, ':', size);
	size_t key = colon ? (size_t)(colon - item) : 0;
	int err;

	if (!colon)
		return -EINVAL;
	if (key == sizeof(policy) - 1 && !memcmp(item, policy, key))
		return wish_policy(hub, w, colon + 1, size - key - 1);
	err = qn_conf_set_knob(&w->knobs, item, key, colon + 1, size - key - 1);
	return err == -ENOENT ? -EINVAL : err;
}

static int wish_read(const struct qn_hub *hub, struct wish *w, const char *text)
{
	size_t n;
	int err;

	for (;; text += n + 1) {
		n = strcspn(text, ",");
		err = wish_item(hub, w, text, n);
		if (err || !text[n])
			return err;
	}
}

/* Another policy begins anew; knobs that the last one chose go with it */
static void take_policy(struct qn_hub *hub, const struct qn_policy *policy)
{
	size_t size = strlen(policy->name) + 1;

	qn_assert(size <= sizeof(hub->conf.policy));
	qn_controller_init(&hub->controller, policy);
	memset(hub->conf.policy, 0, sizeof(hub->conf.policy));
	memcpy(hub->conf.policy, policy->name, size);
	memcpy(hub->page->policy, hub->conf.policy, sizeof(hub->conf.policy));
}

/* Those of the preset in force, where the policy chooses among presets */
static bool take_knobs(struct qn_hub *hub, const struct qn_knobs *asked)
{
	struct qn_knobs next = *asked;

	if (hub->controller.policy->choose)
		qn_preset_process(hub->controller.chooser[0].rails.preset,
				  asked, &next);
	if (!qn_hub_knobs_publish(hub, &next))
		return false;
	hub->conf.knobs = *asked;
	qn_hub_show_knobs(hub);
	return true;
}

static int set(struct qn_hub *hub, const char *text)
{
	struct wish w = { .policy = NULL };
	int err;

	qn_port_lock(&hub->learn);
	w.knobs = hub->conf.knobs;
	err = wish_read(hub, &w, text);
	/* All of it is taken or none */
	if (!err && !qn_knobs_are_valid(&w.knobs))
		err = -ERANGE;
	if (!err && w.policy && w.policy != hub->controller.policy)
		take_policy(hub, w.policy);
	else
		w.policy = NULL;
	if (!err && !take_knobs(hub, &w.knobs))
		err = -ERANGE;
	qn_port_unlock(&hub->learn);
	if (!err && w.policy)
		qn_hub_table_begin(hub, w.policy);
	return err;
}

/* ---- the rest ---- */

static u64 show_sizes(struct qn_hub *hub)
{
	struct qn_stats_sizes *s = &hub->page->sizes;
	const struct qn_profile *p = hub->profile;
	u64 nr;

	qn_port_lock(&hub->learn);
	for (unsigned int i = 0; i < p->nr_steps; i++)
		s->weight[i] = p->hist[i];
	s->step = QN_STEP;
	s->large = p->large;
	s->total = p->total;
	s->usec = qn_port_clock() - hub->page->start_usec;
	nr = p->nr_samples;
	WRITE_ONCE(s->nr, p->nr_steps);
	qn_port_unlock(&hub->learn);
	return nr;
}

/* What each thread's lists hold stays: they are its own */
static u64 purge(struct qn_hub *hub)
{
	return qn_segments_purge(&hub->segments, 0);
}

static int obey(struct qn_hub *hub, u32 command, const char *text, u64 *value)
{
	switch (command) {
	case QN_STATS_COMMAND_LOOK:
		return 0;
	case QN_STATS_COMMAND_SET:
		return set(hub, text);
	case QN_STATS_COMMAND_PURGE:
		*value = purge(hub);
		return 0;
	case QN_STATS_COMMAND_SIZES:
		*value = show_sizes(hub);
		return 0;
	default:
		return -ENOSYS;
	}
}

/* ---- what others ask for ---- */

static void answer(struct qn_hub *hub, u32 asked)
{
	struct qn_stats_control *c = &hub->page->control;
	char text[QN_STATS_CONTROL_TEXT];
	u64 value = 0;
	s32 result;

	memcpy(text, c->text, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	result = obey(hub, READ_ONCE(c->command), text, &value);
	qn_hub_refresh(hub);
	WRITE_ONCE(c->result, result);
	WRITE_ONCE(c->value, value);
	smp_store_release(&c->answered, asked);
	qn_port_wake_shared(&c->answered);
}

void qn_control_answer(struct qn_hub *hub)
{
	u32 asked;

	qn_assert(!qn_port_holds(&hub->learn));
	if (!qn_port_trylock(&hub->control.lock))
		return;
	asked = smp_load_acquire(&hub->page->control.asked);
	if (asked != hub->control.seen) {
		WRITE_ONCE(hub->control.seen, asked);
		answer(hub, asked);
	}
	qn_port_unlock(&hub->control.lock);
}

void qn_control_begin(struct qn_hub *hub)
{
	qn_assert(qn_port_holds(&hub->learn));
	memset(&hub->page->control, 0, sizeof(hub->page->control));
	hub->control.seen = 0;
	hub->page->sizes.nr = 0;
	qn_hub_show_knobs(hub);
	WRITE_ONCE(hub->control.is_on, true);
}

void qn_control_end(struct qn_hub *hub)
{
	hub->control.is_on = false;
	hub->control.lock = (struct qn_lock){ 0 };
}
