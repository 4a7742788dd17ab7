// SPDX-License-Identifier: MIT
/*
 * pages.c - finding and reading the statistics pages of a run.
 *
 * The library names a page PID.qstat, and PID.1.qstat and so on for the programs
 * that the same process became through exec. So the unit of work here is the
 * chain: all pages of one process, by time.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "format/conf.h"
#include "command/base/fail.h"
#include "pages.h"

/**
 * struct found - a file that has a page's name
 */
struct found {
	pid_t pid;
	char name[40];
};

/**
 * struct file - what was read of one
 * @sites:	NULL where it has none, or none that make sense
 */
struct file {
	struct qn_stats_page page;
	struct qn_sites_page *sites;
};

/**
 * struct chain - the files of one process, oldest first
 */
struct chain {
	struct file *files;
	unsigned int nr;
};

static int say(char *error, int err, const char *text)
{
	snprintf(error, QN_PAGE_ERROR, "%s", text);
	return err;
}

static int check_version(const struct qn_stats_page *page, char *error)
{
	if (page->version == QN_STATS_VERSION)
		return 0;
	snprintf(error, QN_PAGE_ERROR,
		 "is version %u, this command reads version %d: use the "
		 "command and the library of one build",
		 page->version, QN_STATS_VERSION);
	return -EPROTONOSUPPORT;
}

int qn_page_check(struct qn_stats_page *page, size_t size, char *error)
{
	int err;

	if (!size)
		return say(error, -ENODATA,
			   "is empty: its process ended while it started");
	if (size < offsetof(struct qn_stats_page, state))
		return say(error, -EBADMSG, "is cut off: not even a header");
	if (!page->magic)
		return say(error, -ENODATA,
			   "is blank: its process ended while it started");
	if (page->magic != QN_STATS_MAGIC)
		return say(error, -EBADMSG, "is no statistics page of quern");
	err = check_version(page, error);
	if (err)
		return err;
	if (page->size != sizeof(*page))
		return say(error, -EBADMSG,
			   "is of another build: its page has another size");
	if (size < sizeof(*page))
		return say(error, -EBADMSG, "is cut off before its end");
	if (page->state < QN_STATS_RUNNING || page->state > QN_STATS_EXECED)
		return say(error, -EBADMSG, "is damaged: its state is unknown");
	page->exe[sizeof(page->exe) - 1] = 0;
	page->policy[sizeof(page->policy) - 1] = 0;
	page->engine.name[sizeof(page->engine.name) - 1] = 0;
	return 0;
}

/* As much as there is, at most a page; -errno on error */
static ssize_t read_all(int fd, void *buffer, size_t size)
{
	size_t at = 0;
	ssize_t n;

	while (at < size) {
		n = read(fd, (char *)buffer + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

static int read_page(int fd, struct qn_stats_page *page, char *error)
{
	ssize_t size;

	memset(page, 0, sizeof(*page));
	size = read_all(fd, page, sizeof(*page));
	if (size < 0)
		return say(error, (int)size, strerror((int)-size));
	return qn_page_check(page, (size_t)size, error);
}

int qn_page_read(int dir, const char *name, struct qn_stats_page *page,
		 char *error)
{
	int fd, err;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		return say(error, err, strerror(-err));
	}
	err = read_page(fd, page, error);
	close(fd);
	return err;
}

/* The call sites of an open file that begin @at, or NULL */
static struct qn_sites_page *read_sites_at(int fd, u32 at)
{
	struct qn_sites_page *sites = qn_xrealloc(NULL, sizeof(*sites));
	ssize_t size = -1;

	if (lseek(fd, at, SEEK_SET) == at)
		size = read_all(fd, sites, sizeof(*sites));
	if (size >= 0 && qn_sitelist_check(sites, (size_t)size))
		return sites;
	free(sites);
	return NULL;
}

int qn_page_read_at(int fd, struct qn_stats_page *page,
		    struct qn_sites_page **sites, char *error)
{
	int err;

	*sites = NULL;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return say(error, -errno, strerror(errno));
	err = read_page(fd, page, error);
	if (!err && page->sites_at)
		*sites = read_sites_at(fd, page->sites_at);
	return err;
}

/* The process that a name "PID.qstat" or "PID.N.qstat" belongs to, or 0 */
static pid_t pid_of(const char *name)
{
	size_t size = strlen(name);
	char *end;
	long pid;

	if (size <= 6 || strcmp(name + size - 6, ".qstat") != 0)
		return 0;
	errno = 0;
	pid = strtol(name, &end, 10);
	if (errno || end == name || *end != '.' || pid <= 0 || pid > INT32_MAX)
		return 0;
	return (pid_t)pid;
}

static int compare_found(const void *a, const void *b)
{
	const struct found *fa = a, *fb = b;

	return (fa->pid > fb->pid) - (fa->pid < fb->pid);
}

/* All pages' names, those of one process side by side */
static struct found *list_names(int dir, size_t *nr)
{
	struct found *list = NULL;
	struct dirent *de;
	DIR *d;
	int fd;

	*nr = 0;
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while ((de = readdir(d))) {
		if (!pid_of(de->d_name) ||
		    strlen(de->d_name) >= sizeof(list->name))
			continue;
		QN_GROW(list, *nr);
		list[*nr].pid = pid_of(de->d_name);
		strcpy(list[(*nr)++].name, de->d_name);
	}
	closedir(d);
	if (*nr)
		qsort(list, *nr, sizeof(*list), compare_found);
	return list;
}

static bool is_alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

static void note_unread(struct qn_run_pages *r, const char *name,
			const char *error)
{
	if (!r->nr_unread++)
		snprintf(r->note, sizeof(r->note), "%s %s", name, error);
}

/* A process that ended before it began is nothing to tell anybody about */
static bool take_page(struct qn_run_pages *r, const char *name,
		      struct qn_stats_page *page)
{
	char error[QN_PAGE_ERROR];
	int err = qn_page_read(r->dir, name, page, error);

	if (err && err != -ENODATA)
		note_unread(r, name, error);
	return !err && (r->is_ours || page->start_usec >= r->since_usec);
}

/* The call sites behind a page, or NULL */
static struct qn_sites_page *read_sites(const struct qn_run_pages *r,
					const char *name, u32 at)
{
	struct qn_sites_page *sites;
	int fd = -1;

	if (at)
		fd = openat(r->dir, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	sites = read_sites_at(fd, at);
	close(fd);
	return sites;
}

static void read_chain(struct qn_run_pages *r, struct chain *c,
		       const struct found *names, size_t nr)
{
	size_t i;

	c->files = qn_xrealloc(NULL, nr * sizeof(*c->files));
	c->nr = 0;
	for (i = 0; i < nr; i++) {
		struct file *file = &c->files[c->nr];

		if (take_page(r, names[i].name, &file->page)) {
			file->sites = read_sites(r, names[i].name,
						 file->page.sites_at);
			c->nr++;
		}
		if (r->is_ours)
			unlinkat(r->dir, names[i].name, 0);
	}
}

static int compare_start(const void *a, const void *b)
{
	const struct file *fa = a, *fb = b;

	return (fa->page.start_usec > fb->page.start_usec) -
	       (fa->page.start_usec < fb->page.start_usec);
}

static struct qn_figures *new_figures(struct qn_run_pages *r)
{
	r->figures = qn_xrealloc(r->figures, (r->nr + 1) * sizeof(*r->figures));
	qn_figures_init(&r->figures[r->nr]);
	return &r->figures[r->nr++];
}

static void add_file(struct qn_run_pages *r, const struct file *file,
		     bool alive, bool is_replaced)
{
	struct qn_figures *f;

	if (r->children == QN_CHILDREN_EACH || !r->nr)
		new_figures(r);
	f = &r->figures[r->nr - 1];
	qn_figures_add(f, &file->page, alive, is_replaced);
	if (file->sites)
		qn_sitelist_add(&f->sites, file->sites);
}

static void add_chain(struct qn_run_pages *r, struct chain *c, bool is_root,
		      bool alive)
{
	unsigned int i = 0;

	if (!c->nr)
		return;
	qsort(c->files, c->nr, sizeof(*c->files), compare_start);
	if (is_root) {
		r->own = c->files[c->nr - 1].page;
		r->has_own = true;
		r->nr_execs = c->nr - 1;
	}
	if (r->children == QN_CHILDREN_NONE)
		i = is_root ? c->nr - 1 : c->nr;
	for (; i < c->nr; i++)
		add_file(r, &c->files[i], alive, i + 1 < c->nr);
}

static void free_chain(struct chain *c)
{
	for (unsigned int i = 0; i < c->nr; i++)
		free(c->files[i].sites);
	free(c->files);
}

/* Every chain once; unless @is_final only of processes that are gone */
static void take_chains(struct qn_run_pages *r, bool is_final)
{
	size_t nr, from, to;
	struct found *names = list_names(r->dir, &nr);
	struct chain chain;

	for (from = 0; from < nr; from = to) {
		bool is_root = names[from].pid == r->root;
		bool alive = !is_root && is_alive(names[from].pid);

		for (to = from; to < nr && names[to].pid == names[from].pid;)
			to++;
		if (!is_final && (is_root || alive))
			continue;
		read_chain(r, &chain, &names[from], to - from);
		add_chain(r, &chain, is_root, alive);
		free_chain(&chain);
	}
	free(names);
}

/* NULL where the setting could not carry the name, or the system refuses */
static char *try_parent(const char *parent)
{
	const size_t room = sizeof(((struct qn_conf *)NULL)->stats);
	char *path;

	if (!parent || *parent != '/' || strchr(parent, ',') ||
	    strlen(parent) + sizeof("/" QN_STATS_RUN_DIR "XXXXXX") > room)
		return NULL;
	path = qn_xprintf("%s/" QN_STATS_RUN_DIR "XXXXXX", parent);
	if (mkdtemp(path))
		return path;
	free(path);
	return NULL;
}

char *qn_pages_make_dir(void)
{
	char *path = try_parent("/dev/shm");

	if (!path)
		path = try_parent(getenv("TMPDIR"));
	if (!path)
		path = try_parent("/tmp");
	if (!path)
		qn_error("no room for the statistics: neither /dev/shm nor "
			 "TMPDIR nor /tmp can be written; set TMPDIR to a "
			 "directory that can");
	return path;
}

int qn_pages_open(struct qn_run_pages *r, const char *path, bool is_ours,
		  enum qn_children children)
{
	memset(r, 0, sizeof(*r));
	r->path = path;
	r->is_ours = is_ours;
	r->children = children;
	r->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->dir < 0 ? -errno : 0;
}

void qn_pages_sweep(struct qn_run_pages *r)
{
	if (r->is_ours)
		take_chains(r, false);
}

/* The program itself first, then as they started */
static int compare_figures(const void *a, const void *b, void *run)
{
	const struct qn_figures *fa = a, *fb = b;
	const struct qn_run_pages *r = run;
	bool own_a = fa->pid == r->own.pid && !fa->replaced;
	bool own_b = fb->pid == r->own.pid && !fb->replaced;

	if (own_a != own_b)
		return own_b - own_a;
	return (fa->start_usec > fb->start_usec) -
	       (fa->start_usec < fb->start_usec);
}

/* A sum goes by the name of the program that was asked for */
static void name_sum(struct qn_run_pages *r)
{
	struct qn_figures own;

	if (!r->nr || !r->has_own)
		return;
	qn_figures_init(&own);
	qn_figures_add(&own, &r->own, false, false);
	memcpy(r->figures[0].exe, own.exe, sizeof(own.exe));
	memcpy(r->figures[0].policy, own.policy, sizeof(own.policy));
	memcpy(r->figures[0].engine.name, own.engine.name,
	       sizeof(own.engine.name));
	r->figures[0].pid = own.pid;
	r->figures[0].finished = own.finished;
	qn_figures_exit(&own);
}

void qn_pages_collect(struct qn_run_pages *r)
{
	unsigned int i;

	take_chains(r, true);
	for (i = 0; i < r->nr; i++)
		qn_figures_sort(&r->figures[i]);
	if (r->children != QN_CHILDREN_EACH)
		name_sum(r);
	else if (r->nr)
		qsort_r(r->figures, r->nr, sizeof(*r->figures), compare_figures,
			r);
}

/* Pages may have come since they were read: of what outlives the run */
static void remove_dir(struct qn_run_pages *r)
{
	size_t nr, i;
	struct found *names = list_names(r->dir, &nr);

	for (i = 0; i < nr; i++)
		unlinkat(r->dir, names[i].name, 0);
	free(names);
	rmdir(r->path);
}

void qn_pages_close(struct qn_run_pages *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		qn_figures_exit(&r->figures[i]);
	free(r->figures);
	if (r->is_ours)
		remove_dir(r);
	close(r->dir);
	memset(r, 0, sizeof(*r));
}
