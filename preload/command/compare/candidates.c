// SPDX-License-Identifier: MIT
/*
 * candidates.c - the allocators that a program is compared under.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "candidates.h"
#include "command/base/fail.h"
#include "command/base/preload.h"
#include "command/base/program.h"
#include "command/base/text.h"
#include "format/conf.h"

static const struct peer {
	const char *name;
	const char *sonames[4];
	const char *package;
} peers[] = {
	{ "jemalloc",
	  { "libjemalloc.so.2", "libjemalloc.so.1" },
	  "libjemalloc2" },
	{ "mimalloc",
	  { "libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so.1" },
	  "libmimalloc2.0" },
	{ "tcmalloc",
	  { "libtcmalloc_minimal.so.4", "libtcmalloc.so.4" },
	  "libtcmalloc-minimal4" },
};

/**
 * struct search - a search for candidates
 * @found:	so far
 * @library:	libquern.so as it was given
 * @own:	file of the malloc that the program has by itself, or NULL
 */
struct search {
	struct qn_candidates *found;
	const char *library;
	char *own;
};

/* ---- one of them ---- */

static struct qn_candidate *add(struct search *s, const char *given)
{
	struct qn_candidates *c = s->found;

	QN_GROW(c->at, c->nr);
	c->at[c->nr] =
		(struct qn_candidate){ .given = qn_xprintf("%s", given) };
	return &c->at[c->nr++];
}

static void name_it(struct qn_candidate *c, const char *before)
{
	const struct qn_which *w = &c->which;

	c->name = qn_xprintf("%s%s%s%s", before, w->name,
			     *w->version ? " " : "", w->version);
}

static bool is_same_file(const char *a, const char *b)
{
	char *x = realpath(a, NULL), *y = realpath(b, NULL);
	bool is_same = x && y && !strcmp(x, y);

	free(x);
	free(y);
	return is_same;
}

/* What a preloaded library says; it has to be the one whose malloc is called */
static int ask_library(struct qn_candidate *c)
{
	int err = qn_which_ask(c->library, &c->which);

	if (!err && is_same_file(c->which.file, c->library))
		return 0;
	if (err && err != -ENOEXEC)
		qn_error("cannot find out which malloc '%s' is: %s", c->library,
			 strerror(-err));
	else if (!err && qn_program_has_malloc(c->library, true))
		qn_error("'%s' is preloaded, but '%s' comes before it: take "
			 "that out of LD_PRELOAD and /etc/ld.so.preload",
			 c->library, c->which.file);
	else
		qn_error("'%s' is no library with a malloc that can be "
			 "preloaded here; name one that is: --with=FILE.so",
			 c->library);
	return QN_EXIT_FAILURE;
}

static int take_library(struct search *s, const char *given, char *path)
{
	struct qn_candidate *c = add(s, given);

	c->library = realpath(path, NULL);
	free(path);
	if (!c->library) {
		qn_error("cannot read '%s': %s; name a library that is there: "
			 "--with=FILE.so",
			 given, strerror(errno));
		return QN_EXIT_FAILURE;
	}
	if (strpbrk(c->library, " :$")) {
		qn_error(
			"the library is '%s', but the loader takes no name "
			"with a blank, ':' or '$' from LD_PRELOAD; name a copy",
			c->library);
		return QN_EXIT_FAILURE;
	}
	if (ask_library(c))
		return QN_EXIT_FAILURE;
	name_it(c, "");
	return 0;
}

/* ---- quern, with settings and engines ---- */

/* "policy=fixed+price=0.75" as QUERN_CONF has it: "policy:fixed,price:0.75" */
static char *read_settings(const char *text)
{
	char *settings = qn_xprintf("%s", text);
	bool is_key = true;

	for (char *at = settings; *at; at++) {
		if (*at == '+')
			*at = ',';
		else if (*at == '=' && is_key)
			*at = ':';
		is_key = *at == ',' || (is_key && *at != ':');
	}
	return settings;
}

static int check_settings(const char *given, const char *settings)
{
	char error[QN_CONF_ERROR];
	struct qn_conf conf;

	qn_conf_init(&conf);
	if (!qn_conf_parse(&conf, settings, error, sizeof(error)))
		return 0;
	qn_error("--with=%s: %s", given, error);
	return QN_EXIT_FAILURE;
}

static int take_quern(struct search *s, const char *given, char *settings,
		      bool has_engine)
{
	struct qn_candidate *c = add(s, given);

	c->settings = settings;
	if (settings && check_settings(given, settings))
		return QN_EXIT_FAILURE;
	c->library = qn_preload_find("libquern.so", s->library);
	if (!c->library)
		return QN_EXIT_FAILURE;
	if (has_engine) {
		c->engines =
			qn_preload_beside(c->library, "libquern-engines.so");
		if (!c->engines)
			return QN_EXIT_FAILURE;
	}
	if (ask_library(c))
		return QN_EXIT_FAILURE;
	if (settings)
		c->name = qn_xprintf("%s", given);
	else
		name_it(c, "");
	return 0;
}

static bool is_engine(const char *name)
{
	char *settings = qn_xprintf("engine:%s", name);
	char error[QN_CONF_ERROR];
	struct qn_conf conf;
	bool is_one;

	qn_conf_init(&conf);
	is_one = !qn_conf_parse(&conf, settings, error, sizeof(error));
	free(settings);
	return is_one;
}

/* ---- the program's own, and the C library's ---- */

static int take_own(struct search *s, const char *given)
{
	struct qn_candidate *c = add(s, given);
	int err = qn_which_ask(s->own, &c->which);

	if (err) {
		qn_error("cannot tell whose malloc the program has: %s",
			 strerror(-err));
		return QN_EXIT_FAILURE;
	}
	name_it(c, strcmp(c->which.name, "glibc") != 0 ? "own: " : "");
	return 0;
}

static bool is_glibc(const char *file)
{
	return !file || strstr(file, "/libc.so.") || strstr(file, "/libc-2.");
}

/* Where the program is linked with another malloc, the C library is preloaded */
static int take_glibc(struct search *s, const char *given)
{
	char *path;

	if (is_glibc(s->own))
		return take_own(s, given);
	path = qn_preload_peer("libc.so.6");
	if (path)
		return take_library(s, given, path);
	qn_error("there is no libc.so.6 to compare with");
	return QN_EXIT_FAILURE;
}

/* ---- by name ---- */

static char *find_peer(const struct peer *p)
{
	char *path = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(p->sonames) && p->sonames[i]; i++) {
		path = qn_preload_peer(p->sonames[i]);
		if (path)
			break;
	}
	return path;
}

static const struct peer *peer_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		if (!strcmp(peers[i].name, name))
			return &peers[i];
	return NULL;
}

static int refuse_name(const char *given)
{
	qn_error("--with=%s: there is no such allocator; it takes own, glibc, "
		 "jemalloc, mimalloc, tcmalloc, quern, quern:SETTING, an "
		 "engine's name, or a library's path",
		 given);
	return QN_EXIT_FAILURE;
}

static int take_peer(struct search *s, const struct peer *p)
{
	char *path = find_peer(p);

	if (path)
		return take_library(s, p->name, path);
	qn_error("--with=%s: it is not installed; to include it: apt-get "
		 "install %s, or give the path of its library",
		 p->name, p->package);
	return QN_EXIT_FAILURE;
}

static int take(struct search *s, const char *given)
{
	const struct peer *peer = peer_named(given);

	if (!strcmp(given, "own"))
		return take_own(s, given);
	if (!strcmp(given, "glibc"))
		return take_glibc(s, given);
	if (peer)
		return take_peer(s, peer);
	if (!strcmp(given, "quern"))
		return take_quern(s, given, NULL, false);
	if (!strncmp(given, "quern:", 6))
		return take_quern(s, given, read_settings(given + 6),
				  strstr(given, "engine") != NULL);
	if (strchr(given, '/') || strstr(given, ".so"))
		return take_library(s, given, qn_xprintf("%s", given));
	if (is_engine(given))
		return take_quern(s, given, qn_xprintf("engine:%s", given),
				  true);
	return refuse_name(given);
}

static int take_list(struct search *s, const char *text)
{
	char *list = qn_xprintf("%s", text), *at = list, *name;
	int err = 0;

	while (!err && (name = strsep(&at, ",")) != NULL) {
		err = *name ? take(s, name) : refuse_name(text);
	}
	free(list);
	return err;
}

/* ---- all that are installed ---- */

static void note_missing(struct qn_candidates *c, const struct peer *p)
{
	char *more = qn_xprintf("%s%s%s (apt-get install %s)",
				c->missing ? c->missing : "",
				c->missing ? ", " : "", p->name, p->package);

	free(c->missing);
	c->missing = more;
}

static int take_peers(struct search *s)
{
	char *path;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(peers) && !err; i++) {
		path = find_peer(&peers[i]);
		if (!path)
			note_missing(s->found, &peers[i]);
		else if (s->own && is_same_file(path, s->own))
			free(path);
		else
			err = take_library(s, peers[i].name, path);
	}
	return err;
}

static int take_installed(struct search *s)
{
	int err = is_glibc(s->own) ? 0 : take_own(s, "own");

	if (!err)
		err = take_glibc(s, "glibc");
	if (!err)
		err = take_peers(s);
	return err ? err : take_quern(s, "quern", NULL, false);
}

static int check(const struct qn_candidates *c)
{
	if (c->nr > 1)
		return 0;
	qn_error("one allocator alone is nothing to compare; name two at "
		 "least: --with=glibc,quern");
	return QN_EXIT_FAILURE;
}

int qn_candidates_find(struct qn_candidates *c, const struct qn_operands *with,
		       const char *library, const char *program)
{
	struct search s = { c, library, qn_program_malloc(program) };
	int err = 0;

	for (u32 i = 0; i < with->nr && !err; i++)
		err = take_list(&s, with->at[i]);
	if (!with->nr)
		err = take_installed(&s);
	free(s.own);
	return err ? err : check(c);
}

void qn_candidates_exit(struct qn_candidates *c)
{
	for (u32 i = 0; i < c->nr; i++) {
		free(c->at[i].given);
		free(c->at[i].name);
		free(c->at[i].library);
		free(c->at[i].engines);
		free(c->at[i].settings);
	}
	free(c->at);
	free(c->missing);
}
