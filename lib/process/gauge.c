// SPDX-License-Identifier: MIT
/*
 * gauge.c - files and limits that tell of memory pressure; see gauge.h.
 */
#include "process/gauge.h"

#include <errno.h>

#include "format/print.h"
#include "process/pressure.h"
#include "process/resident.h"

/* Of any file: enough for the lines that are looked for */
#define TEXT_MOST 1024
/* A fall that is longer ago is over */
#define FALLS_MOST 64u

enum file {
	FILE_GROUP,
	FILE_GROUP_STALL,
	FILE_STALL,
	FILE_CURRENT,
	FILE_HIGH,
	FILE_MAX,
	FILE_STAT,
	FILE_STATM,
};

/* ---- files ---- */

/* A program may have no descriptor or memory to spare just now */
static bool is_passing(long err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM ||
	       err == -EINTR || err == -EAGAIN;
}

static void lose(struct qn_gauge *g, enum file file)
{
	g->lost = (u16)(g->lost | 1u << file);
}

static bool is_lost(const struct qn_gauge *g, enum file file)
{
	return g->lost >> file & 1;
}

/* The text of @dir/@name in @buf, of TEXT_MOST bytes; empty if there is none */
static __apart struct qn_text text_of(struct qn_gauge *g, enum file file,
				      const char *dir, const char *name,
				      char *buf)
{
	char path[QN_GAUGE_PATH];
	struct qn_print to = { path, sizeof(path) };
	long n;

	if (is_lost(g, file))
		return (struct qn_text){ buf, 0 };
	qn_print(&to, g->root);
	qn_print(&to, dir);
	qn_print(&to, name);
	/* One that was cut short is another file's */
	n = to.left < 2 ? -ENAMETOOLONG : qn_port_read(path, buf, TEXT_MOST);
	if (n <= 0 && !is_passing(n))
		lose(g, file);
	return (struct qn_text){ buf, n > 0 ? (size_t)n : 0 };
}

/* The same of a file that is a number. Return: false if it is not. */
static __apart bool number_of(struct qn_gauge *g, enum file file,
			      const char *name, u64 *value)
{
	char buf[TEXT_MOST];
	struct qn_text t = text_of(g, file, g->group, name, buf);

	if (!t.size)
		return false;
	if (qn_pressure_number(t, value))
		return true;
	lose(g, file);
	return false;
}

/* ---- levels ---- */

static const char groups[] = "/sys/fs/cgroup";

/* Once: where the process stands. One that moves it later is not noticed. */
static __apart void group_find(struct qn_gauge *g)
{
	struct qn_print to = { g->group, sizeof(g->group) };
	char buf[TEXT_MOST];
	struct qn_text t = text_of(g, FILE_GROUP, "/proc/self/cgroup", "", buf),
		       path;

	if (!t.size)
		return;
	lose(g, FILE_GROUP);
	if (!qn_pressure_cgroup(t, &path) ||
	    path.size + sizeof(groups) > sizeof(g->group))
		return;
	qn_print(&to, groups);
	if (path.size > 1)
		__builtin_memcpy(to.at, path.at, path.size);
}

static __apart u32 stall_read(struct qn_gauge *g, enum file file,
			      const char *dir, const char *name)
{
	char buf[TEXT_MOST];
	struct qn_text t = text_of(g, file, dir, name, buf);
	u32 level = 0;

	if (t.size && !qn_pressure_stall(t, &level))
		lose(g, file);
	return level;
}

static __apart u32 stall_level(struct qn_gauge *g)
{
	u32 level = 0;

	if (g->group[0])
		level = stall_read(g, FILE_GROUP_STALL, g->group,
				   "/memory.pressure");
	if (g->group[0] && !is_lost(g, FILE_GROUP_STALL))
		return level;
	return stall_read(g, FILE_STALL, "/proc/pressure/memory", "");
}

/* Bytes that the kernel can take away without a loss, or all if nobody knows */
static __apart u64 cache_bytes(struct qn_gauge *g)
{
	char buf[TEXT_MOST];
	struct qn_text t = text_of(g, FILE_STAT, g->group, "/memory.stat", buf);
	u64 file, shmem;

	if (!qn_pressure_field(t, "file", &file) ||
	    !qn_pressure_field(t, "shmem", &shmem))
		return UINT64_MAX;
	return file - min(file, shmem);
}

static __apart u32 group_level(struct qn_gauge *g)
{
	u64 high = QN_PRESSURE_NONE, most = QN_PRESSURE_NONE, limit, used;

	if (!g->group[0])
		return 0;
	number_of(g, FILE_HIGH, "/memory.high", &high);
	number_of(g, FILE_MAX, "/memory.max", &most);
	limit = min(high, most);
	if (limit == QN_PRESSURE_NONE ||
	    !number_of(g, FILE_CURRENT, "/memory.current", &used) ||
	    !qn_pressure_near(limit - min(limit, used), limit))
		return 0;
	used -= min(used, cache_bytes(g));
	return qn_pressure_near(limit - min(limit, used), limit);
}

/* @free: what the heap can serve without another mapping */
static __apart u32 limit_level(struct qn_gauge *g, size_t free)
{
	char buf[TEXT_MOST];
	struct qn_text t;
	u32 level = 0;

	for (int data = 0; data < 2; data++) {
		u64 limit = qn_port_limit(data), pages, used;

		if (limit == QN_PRESSURE_NONE)
			continue;
		t = text_of(g, FILE_STATM, "/proc/self/statm", "", buf);
		/* All, or private memory that may be written */
		if (!t.size || !qn_pressure_word(t, data ? 5 : 0, &pages))
			continue;
		used = min(pages, UINT64_MAX / qn_port_page_size()) *
		       qn_port_page_size();
		used -= min(used, (u64)free);
		level = max(level,
			    qn_pressure_near(limit - min(limit, used), limit));
	}
	return level;
}

/* ---- what comes of it ---- */

static void take_level(u32 *best, u8 *source, u32 level,
		       enum qn_stats_pressure from)
{
	if (level <= *best)
		return;
	*best = level;
	*source = (u8)from;
}

/* Under the lock. Return: whether the pressure rose. */
static bool publish(struct qn_gauge *g, struct qn_resident *r)
{
	u32 level = max(g->read, g->asked), before = READ_ONCE(r->pressure);
	u8 source = g->read > g->asked ? g->source : QN_STATS_PRESSURE_ASKED;

	take_level(&g->most, &g->most_source, level, source);
	WRITE_ONCE(r->pressure, level);
	return level > before;
}

/* @g->read after so many quarters of a second without pressure */
static u32 fallen(u32 level, u64 usec)
{
	for (u64 i = min(usec / QN_GAUGE_US, (u64)FALLS_MOST); i && level; i--)
		level -= DIV_ROUND_UP(level, 4);
	return level;
}

static __apart void read_all(struct qn_gauge *g, const struct qn_resident *r,
			     size_t mapped, u64 past)
{
	size_t used = READ_ONCE(r->used);
	u8 source = g->source;
	u32 level = 0;

	group_find(g);
	take_level(&level, &source, stall_level(g), QN_STATS_PRESSURE_STALLS);
	take_level(&level, &source, group_level(g), QN_STATS_PRESSURE_CGROUP);
	take_level(&level, &source, limit_level(g, mapped - min(mapped, used)),
		   QN_STATS_PRESSURE_LIMIT);
	g->read = fallen(g->read, past);
	take_level(&g->read, &g->source, level, source);
}

__apart bool qn_gauge_is_worth(const struct qn_gauge *g,
			       const struct qn_resident *r, u64 now)
{
	return qn_gauge_is_due(g, now) &&
	       (READ_ONCE(g->read) || READ_ONCE(r->dirty) >= QN_GAUGE_FROM);
}

__apart bool qn_gauge_look(struct qn_gauge *g, struct qn_resident *r,
			   size_t mapped, u64 now)
{
	u64 past = now - READ_ONCE(g->last);
	bool rose = false;

	if (!qn_port_trylock(&g->lock))
		return false;
	if (qn_gauge_is_worth(g, r, now)) {
		WRITE_ONCE(g->last, now);
		read_all(g, r, mapped, past);
		rose = publish(g, r);
	}
	qn_port_unlock(&g->lock);
	return rose;
}

__apart void qn_gauge_ask(struct qn_gauge *g, struct qn_resident *r, u32 level)
{
	qn_port_lock(&g->lock);
	g->asked = min(level, QN_PRESSURE_MOST);
	publish(g, r);
	qn_port_unlock(&g->lock);
}

__apart void qn_gauge_forget(struct qn_gauge *g, struct qn_resident *r)
{
	if (qn_port_holds(&g->lock))
		return;
	qn_port_lock(&g->lock);
	g->read = 0;
	WRITE_ONCE(g->last, 0);
	publish(g, r);
	qn_port_unlock(&g->lock);
}
