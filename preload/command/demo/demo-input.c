// SPDX-License-Identifier: MIT
/*
 * demo-input.c - what the demonstration's programs do, and what they do it on.
 *
 * A file is made of parts. A part that is repeated is a pattern, in which
 *
 *   $i	is the number of the repetition
 *   $w	is a word
 *   $nN	is a number below N
 *   $tN	is a text of fewer than N words
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "demo-input.h"

#define NR_WORDS 4000

/**
 * struct part - some text of a file
 * @text:	as it is, or a pattern
 * @repeat:	how often; 0: once and as it is
 */
struct part {
	const char *text;
	u32 repeat;
};

/**
 * struct file - one file
 * @name:	in the demonstration's directory
 * @parts:	up to one without text
 */
struct file {
	const char *name;
	struct part parts[5];
};

static u64 state;
static char words[NR_WORDS][20];

static u32 draw(u32 below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (u32)((state >> 32) * below >> 32);
}

static void make_words(void)
{
	static const char syllables[][5] = {
		"ka",  "lo",  "mi",   "ter", "san", "vo",  "ri",
		"den", "pu",  "shal", "or",  "est", "in",  "gra",
		"quo", "bel", "zu",   "ne",  "fal", "tor",
	};
	u32 i, n;

	for (i = 0; i < NR_WORDS; i++) {
		words[i][0] = 0;
		for (n = 1 + draw(4); n > 0; n--)
			strcat(words[i],
			       syllables[draw(ARRAY_SIZE(syllables))]);
	}
}

/* A few words are frequent and most are rare, as in any text */
static const char *word(void)
{
	u64 u = draw(1 << 16);

	return words[u * u * u * NR_WORDS >> 48];
}

/* ---- sqlite3: customers and orders ---- */

static const char orders_head[] =
	"CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT,\n"
	"                      note TEXT);\n"
	"CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INT, item TEXT,\n"
	"                    quantity INT, cents INT, remark TEXT);\n"
	"BEGIN;\n";

static const char customer[] =
	"INSERT INTO customer VALUES($i,'$w $w','$w','$t12');\n";

static const char order[] =
	"INSERT INTO orders VALUES($i,$n12000,'$w',$n9,$n10000,'$t10');\n";

static const char orders_tail[] =
	"COMMIT;\n"
	"CREATE INDEX by_customer ON orders(customer);\n"
	"CREATE INDEX by_item ON orders(item);\n"
	"SELECT city, count(*), sum(quantity * cents)\n"
	"  FROM customer JOIN orders ON customer.id = orders.customer\n"
	"  GROUP BY city ORDER BY 3 DESC, city LIMIT 10;\n"
	"SELECT item, length(group_concat(substr(remark, 1, 8), '|'))\n"
	"  FROM orders GROUP BY item ORDER BY 2 DESC, item LIMIT 10;\n"
	"UPDATE orders SET remark = upper(remark) || ' ' || item\n"
	"  WHERE quantity > 5;\n"
	"DELETE FROM orders WHERE cents < 2000;\n"
	"SELECT name, (SELECT max(remark) FROM orders\n"
	"              WHERE customer = customer.id)\n"
	"  FROM customer ORDER BY name, id LIMIT 2000;\n"
	"SELECT count(*), sum(length(json_object(\n"
	"  'item', item, 'remark', json_array(remark, quantity)))) FROM orders;\n";

/* ---- gawk: a web server's log ---- */

static const char request[] = "10.0.$n4.$n256 GET /$w/$w?$w=$w 20$n7 $n99999\n";

static const char access_awk[] =
	"{\n"
	"	hits[$1]++\n"
	"	bytes[$1] += $5\n"
	"	nr = split($3, part, /[\\/?=]/)\n"
	"	for (i = 2; i <= nr; i++)\n"
	"		count[part[i]]++\n"
	"	page = part[2] \"/\" part[3]\n"
	"	last[page] = substr($0, 1, 60)\n"
	"	line[NR] = $2 \" \" toupper($3)\n"
	"}\n"
	"END {\n"
	"	nr = asorti(count, names)\n"
	"	for (i = 1; i <= nr; i++)\n"
	"		total += length(names[i]) * count[names[i]]\n"
	"	for (page in last)\n"
	"		size += length(last[page] \" \" page)\n"
	"	for (i = NR; i > 0; i--)\n"
	"		if (line[i] ~ /(KA|LO)+$/)\n"
	"			found = found substr(line[i], 1, 3)\n"
	"	PROCINFO[\"sorted_in\"] = \"@val_num_desc\"\n"
	"	for (host in bytes)\n"
	"		if (shown++ < 20)\n"
	"			print host, hits[host], bytes[host]\n"
	"	print nr, total, size, length(found)\n"
	"}\n";

/* ---- python3: records of JSON ---- */

#define RECORD                                                                   \
	"{\"id\": $i, \"name\": \"$w $w\", \"tags\": [\"$w\", \"$w\", \"$w\"], " \
	"\"place\": {\"city\": \"$w\", \"x\": $n360.5, \"y\": $n180.25}, "       \
	"\"note\": \"$t20\"}"

static const char records_py[] =
	"import collections, json, re\n"
	"\n"
	"with open('records.json') as f:\n"
	"    records = json.load(f)\n"
	"by_city = collections.defaultdict(list)\n"
	"index = collections.defaultdict(set)\n"
	"for record in records:\n"
	"    by_city[record['place']['city']].append(record)\n"
	"    for word in re.findall(r'\\w+', record['note']):\n"
	"        index[word].add(record['id'])\n"
	"records.sort(key=lambda r: (r['place']['x'], r['name'], r['id']))\n"
	"top = sorted(index.items(), key=lambda i: (-len(i[1]), i[0]))[:10]\n"
	"for word, ids in top:\n"
	"    print(word, len(ids))\n"
	"for city in sorted(by_city)[:10]:\n"
	"    print(city, len(by_city[city]),\n"
	"          sum(len(r['tags']) for r in by_city[city]))\n"
	"copy = json.loads(json.dumps(records))\n"
	"for record in copy[::2]:\n"
	"    record['note'] = record['note'].title().split()\n"
	"print(len(json.dumps(copy)))\n";

/* ---- all of it ---- */

static const struct file files[] = {
	{ "orders.sql",
	  { { orders_head, 0 },
	    { customer, 12000 },
	    { order, 100000 },
	    { orders_tail, 0 } } },
	{ "access.log", { { request, 120000 } } },
	{ "access.awk", { { access_awk, 0 } } },
	{ "records.json",
	  { { "[\n", 0 },
	    { RECORD ",\n", 23999 },
	    { RECORD "\n", 1 },
	    { "]\n", 0 } } },
	{ "records.py", { { records_py, 0 } } },
};

const struct qn_demo_program qn_demo_programs[QN_DEMO_NR_PROGRAMS] = {
	{
		.name = "sqlite3",
		.file = "/usr/bin/sqlite3",
		.package = "sqlite3",
		.argv = { "sqlite3", ":memory:", NULL },
		.input = "orders.sql",
		.work = "100,000 orders of 12,000 customers, in SQL",
	},
	{
		.name = "gawk",
		.file = "/usr/bin/gawk",
		.package = "gawk",
		.argv = { "gawk", "-f", "access.awk", "access.log", NULL },
		.work = "an access log of 120,000 lines",
	},
	{
		.name = "python3",
		.file = "/usr/bin/python3",
		.package = "python3",
		.argv = { "python3", "-S", "records.py", NULL },
		.work = "24,000 records of JSON, PYTHONMALLOC=malloc",
	},
};

static void write_text(FILE *out, u32 nr)
{
	while (nr-- > 0)
		fprintf(out, "%s%s", word(), nr ? " " : "");
}

/* What stands behind a '$'; returns what is left of the pattern */
static const char *write_item(FILE *out, const char *item, u32 i)
{
	char *end = (char *)(uintptr_t)item + 1;
	u32 n = 0;

	if (*item == 'n' || *item == 't')
		n = draw((u32)strtoul(item + 1, &end, 10));
	if (*item == 'i')
		fprintf(out, "%u", i);
	else if (*item == 'w')
		fputs(word(), out);
	else if (*item == 'n')
		fprintf(out, "%u", n);
	else
		write_text(out, n);
	return end;
}

static void write_pattern(FILE *out, const char *pattern, u32 i)
{
	while (*pattern) {
		if (*pattern == '$')
			pattern = write_item(out, pattern + 1, i);
		else
			fputc(*pattern++, out);
	}
}

static void write_parts(FILE *out, const struct part *part)
{
	u32 i;

	for (; part->text; part++) {
		if (!part->repeat)
			fputs(part->text, out);
		for (i = 0; i < part->repeat; i++)
			write_pattern(out, part->text, i);
	}
}

static int make_file(int dir, const struct file *file)
{
	int fd = openat(dir, file->name,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int err;

	if (!out)
		return -errno;
	write_parts(out, file->parts);
	err = ferror(out) ? -EIO : 0;
	return fclose(out) ? -errno : err;
}

int qn_demo_input_make(int dir)
{
	size_t i;
	int err = 0;

	state = 88172645463325252ull;
	make_words();
	for (i = 0; !err && i < ARRAY_SIZE(files); i++)
		err = make_file(dir, &files[i]);
	return err;
}

void qn_demo_input_remove(int dir)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(dir, files[i].name, 0);
}
