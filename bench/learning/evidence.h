/* SPDX-License-Identifier: MIT */
/*
 * evidence.h - what policies are compared on, and what each of them took there.
 *
 * An item is a program as it was recorded (kind run), or parts of the last tenths of it,
 * some of them slower, with longer pauses between (kind pauses). A player is a policy, or
 * knobs that were found. Each player plays each item that it is asked for, at some prices,
 * by sim.h: so all figures repeat. evidence.c makes items, players.c and settings.c play,
 * tables.c prints.
 */
#ifndef QN_EVIDENCE_H
#define QN_EVIDENCE_H

#include "command/learn/sim.h"
#include "learn/network.h"
#include "learn/rails.h"

/* Where results of a price are; the first is that of the preset */
enum {
	EV_PRESET,
	EV_HIGH,
	EV_MIDDLE,
	EV_LOW,
	EV_NR_PRICES,
};

extern const u64 ev_prices[EV_NR_PRICES];

/* Costs that are compared: J at each price, and J = M^w T^(1-w) */
#define EV_NR_WEIGHTS 3
#define EV_NR_COSTS   (EV_NR_PRICES + EV_NR_WEIGHTS)

extern const double ev_weights[EV_NR_WEIGHTS];

/* Cost @i of a result */
double ev_cost(const struct qn_sim_result *r, u32 i);

/**
 * struct ev_program - a program
 * @trace:	all that was read
 * @early, @late: the same calls: those that tuning learns from, and those behind
 * @is_left_out: nothing but its own tuning learns from it
 * @is_large:	tens of megabytes are in use: longer parts, of all of the trace, and not tuned
 */
struct ev_program {
	struct qn_sim_trace trace;
	struct qn_sim_trace early, late;
	bool is_left_out;
	bool is_large;
};

struct ev_item {
	const struct ev_program *program;
	struct qn_sim_mix mix;
	bool has_pauses;
};

/**
 * struct ev_note - what a policy that chooses among presets did in an episode
 */
struct ev_note {
	u32 nr_choices, nr_departed, nr_changes, nr_reverts;
};

/* Parts of a mix */
#define EV_PARTS 8
/* The same of a large program; its parts take up to so many times as long */
#define EV_LARGE_PARTS   4
#define EV_LARGE_STRETCH 8

/* A schedule is of so many epochs; of large programs so many have the same preset */
#define EV_EPOCHS       8
#define EV_LARGE_EPOCHS 2

/**
 * struct ev_play - an item played
 * @item:	which
 * @knobs:	as the user set them
 * @settings:	of QUERN_CONF, or NULL: the policy is rule
 * @policy:	another policy than these, or NULL
 * @net:	of policy dqn
 * @schedule:	presets by epoch
 * @sizes, @nr_sizes: with a class of their own
 * @watch:	where figures over time are written, or NULL
 * @result, @note: set
 */
struct ev_play {
	const struct ev_item *item;
	struct qn_knobs knobs;
	const char *settings;
	const struct qn_policy *policy;
	const struct qn_network *net;
	u8 schedule[EV_EPOCHS];
	u32 sizes[QN_NR_CLASSES];
	u32 nr_sizes;
	char *watch;
	u32 index;
	struct qn_sim_result result;
	struct ev_note note;
};

/* Policies that know what a play tells them: @net, within the rails and alone, and @schedule */
extern const struct qn_policy *const ev_policy_dqn;
extern const struct qn_policy *const ev_policy_alone;
extern const struct qn_policy *const ev_policy_schedule;

/* One of the default settings at a price */
void ev_play_init(struct ev_play *p, const struct ev_item *item, u64 price);

/* Play them. Return: 0 or -errno with a message. */
int ev_run(struct ev_play *plays, u32 nr);

/**
 * struct ev_player - who played
 * @name:	in tables
 * @net:	of dqn
 * @results, @notes: by item and price; usec 0: it did not play
 * @has_choices: it chooses among presets
 * @is_alone:	there are no rails
 * @preset:	that it has all the time, if it has one
 */
struct ev_player {
	char name[32];
	const struct qn_network *net;
	struct qn_sim_result (*results)[EV_NR_PRICES];
	struct ev_note (*notes)[EV_NR_PRICES];
	bool has_choices;
	bool is_alone;
	u32 preset;
};

#define EV_MOST_WEIGHTS 32
#define EV_MOST_PLAYERS (16 + 2 * EV_MOST_WEIGHTS)

/**
 * struct evidence - all of it
 * @programs, @nr_programs, @items, @nr_items: in the order of the arguments
 * @players, @nr: the first is the default
 * @nets, @net_names, @nr_nets: weights of policy dqn, by seed
 * @fixed:	by cost: the cheapest setting on the programs that are learned from
 * @fixed_costs, @oracle: by item and cost, of these and of the cheapest for each item
 * @fixed_results, @oracle_results: of the ones that are cheapest at the preset price
 * @one, @one_results: the cheapest for all prices together, on those that are learned from
 * @settings:	all settings
 * @nr_promising: that were tried on large programs
 * @budget, @events, @part, @large_events, @large_part, @stretch, @nr_mixes, @tries, @groups,
 * @seeds_only: how much is done
 * @data:	where files for plots go, or NULL
 */
struct evidence {
	struct ev_program *programs;
	u32 nr_programs;
	struct ev_item *items;
	u32 nr_items;
	struct ev_player players[EV_MOST_PLAYERS];
	u32 nr;
	struct qn_network nets[EV_MOST_WEIGHTS];
	const char *net_names[EV_MOST_WEIGHTS];
	u32 nr_nets;
	u32 fixed[EV_NR_COSTS];
	double (*fixed_costs)[EV_NR_COSTS];
	double (*oracle)[EV_NR_COSTS];
	struct qn_sim_result *fixed_results, *oracle_results;
	u32 one;
	struct qn_sim_result *one_results;
	struct qn_knobs *settings;
	u32 nr_promising;
	u32 budget, events, part, large_events, large_part, stretch, nr_mixes;
	u32 tries, groups, seeds_only;
	const char *data;
};

/* ---- settings.c: fixed settings, and what is found for a program ---- */

/* Draw and play @budget settings, and choose. Return: 0 or -errno. */
int ev_play_settings(struct evidence *ev);

/* Policy tuned, on items with pauses of the programs that were left out */
int ev_play_tuned(struct evidence *ev, struct ev_player *to);

/* The best preset for each epoch, found one after the other */
int ev_play_schedule(struct evidence *ev, struct ev_player *to);

/* ---- tables.c ---- */

/* Is it of a network that is not shown all? By its name in seeds.sh. */
bool ev_is_ablation(const char *name);

void ev_print(const struct evidence *ev);

/* Of weights of many seeds alone, with each seed over the rule */
void ev_print_seeds(const struct evidence *ev);

/* The rows of several processes under one limit. Return: 0 or -errno. */
int ev_print_groups(struct evidence *ev);

#endif /* QN_EVIDENCE_H */
