// SPDX-License-Identifier: MIT
/*
 * work-data.c - workloads that build data structures, as compilers, databases
 * and servers do: objects of several sizes that point at each other.
 */
#include <stdio.h>
#include <string.h>

#include "work.h"

/* --- symbols: a table of names, in scopes ----------------------------------- */

struct symbol {
	struct symbol *next;
	uint32_t hash;
	uint32_t scope;
	uint64_t value;
	char *name;
	char *type;
};

struct table {
	struct symbol **bucket;
	size_t nr_buckets;
	size_t nr;
};

static char *copy_string(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(must_alloc(size), s, size);
}

static uint32_t hash_string(const char *s)
{
	uint32_t hash = 2166136261;

	while (*s)
		hash = (hash ^ (unsigned char)*s++) * 16777619;
	return hash;
}

static void table_resize(struct table *table, size_t nr_buckets)
{
	struct symbol **bucket = calloc(nr_buckets, sizeof(*bucket));

	if (!bucket)
		die("no memory for %zu buckets", nr_buckets);
	for (size_t i = 0; i < table->nr_buckets; i++) {
		while (table->bucket[i]) {
			struct symbol *symbol = table->bucket[i];

			table->bucket[i] = symbol->next;
			symbol->next = bucket[symbol->hash % nr_buckets];
			bucket[symbol->hash % nr_buckets] = symbol;
		}
	}
	free(table->bucket);
	table->bucket = bucket;
	table->nr_buckets = nr_buckets;
}

static struct symbol *symbol_find(struct table *table, const char *name)
{
	uint32_t hash = hash_string(name);
	struct symbol *symbol = table->bucket[hash % table->nr_buckets];

	while (symbol && (symbol->hash != hash || strcmp(symbol->name, name)))
		symbol = symbol->next;
	return symbol;
}

static void symbol_add(struct table *table, const char *name, const char *type,
		       uint32_t scope)
{
	struct symbol *symbol = must_alloc(sizeof(*symbol));

	if (table->nr >= table->nr_buckets)
		table_resize(table, table->nr_buckets * 2);
	symbol->hash = hash_string(name);
	symbol->scope = scope;
	symbol->value = 1;
	symbol->name = copy_string(name);
	symbol->type = copy_string(type);
	symbol->next = table->bucket[symbol->hash % table->nr_buckets];
	table->bucket[symbol->hash % table->nr_buckets] = symbol;
	table->nr++;
}

static uint64_t symbol_del(struct symbol *symbol)
{
	uint64_t value = symbol->value;

	if (hash_string(symbol->name) != symbol->hash)
		die("the name of symbol %s has changed", symbol->name);
	free(symbol->name);
	free(symbol->type);
	free(symbol);
	return value;
}

/* Forget all symbols of scopes from this one on */
static uint64_t scope_leave(struct table *table, uint32_t scope)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < table->nr_buckets; i++) {
		struct symbol **at = &table->bucket[i];

		while (*at) {
			struct symbol *symbol = *at;

			if (symbol->scope < scope) {
				at = &symbol->next;
				continue;
			}
			*at = symbol->next;
			table->nr--;
			sum += symbol_del(symbol);
		}
	}
	return sum;
}

static void name_make(char *name, struct rng *rng)
{
	static const char *const part[] = { "get",  "put",   "list", "node",
					    "size", "count", "next", "is_a" };
	uint32_t n = rng_below(rng, 1u << 17);

	sprintf(name, "%s_%s_%s%u", part[n % 8], part[n / 8 % 8],
		n & 64 ? "of_the_longer_kind_of_names_" : "", n);
}

uint64_t work_symbols(const struct job *job)
{
	size_t ops = scaled(job, 900000);
	struct table table = { NULL, 0, 0 };
	struct rng rng = { 21 };
	uint32_t scope = 0;
	char name[80], type[80];
	uint64_t sum = 0;

	table_resize(&table, 64);
	for (size_t i = 0; i < ops; i++) {
		struct symbol *symbol;

		name_make(name, &rng);
		symbol = symbol_find(&table, name);
		if (symbol) {
			symbol->value++;
			continue;
		}
		name_make(type, &rng);
		symbol_add(&table, name, type, scope);
		if (i % 20000 == 0)
			scope++;
		if (i % 120000 == 0)
			sum += scope_leave(&table, scope -= scope / 2);
	}
	sum += scope_leave(&table, 0);
	free(table.bucket);
	return sum;
}

/* --- trees: a treap of records, and binary trees built and dropped ---------- */

struct node {
	struct node *left, *right;
	uint64_t key;
	uint32_t weight;
	uint32_t size;
	unsigned char payload[];
};

static struct node *node_new(uint64_t key, uint32_t weight, uint32_t size)
{
	struct node *node = must_alloc(sizeof(*node) + size);

	*node = (struct node){ NULL, NULL, key, weight, size };
	memset(node->payload, (int)key, size);
	return node;
}

static uint64_t node_del(struct node *node)
{
	uint64_t key = node->key;

	for (uint32_t i = 0; i < node->size; i++)
		if (node->payload[i] != (unsigned char)key)
			die("record %llu has changed", (unsigned long long)key);
	free(node);
	return key;
}

/* All below key to *left, the others to *right */
static void split(struct node *tree, uint64_t key, struct node **left,
		  struct node **right)
{
	while (tree) {
		if (tree->key < key) {
			*left = tree;
			left = &tree->right;
			tree = *left;
		} else {
			*right = tree;
			right = &tree->left;
			tree = *right;
		}
	}
	*left = NULL;
	*right = NULL;
}

static struct node *merge(struct node *left, struct node *right)
{
	struct node *root, **at = &root;

	while (left && right) {
		if (left->weight > right->weight) {
			*at = left;
			at = &left->right;
			left = *at;
		} else {
			*at = right;
			at = &right->left;
			right = *at;
		}
	}
	*at = left ? left : right;
	return root;
}

/* Remove the key if it is there, else insert it */
static uint64_t treap_toggle(struct node **root, uint64_t key, struct rng *rng)
{
	struct node **at = root, *node = *root;
	uint32_t weight = (uint32_t)rng_next(rng);

	while (node && node->key != key) {
		at = key < node->key ? &node->left : &node->right;
		node = *at;
	}
	if (node) {
		*at = merge(node->left, node->right);
		return node_del(node);
	}
	node = node_new(key, weight, 8 + (uint32_t)(key % 90));
	for (at = root; *at && (*at)->weight > weight;)
		at = key < (*at)->key ? &(*at)->left : &(*at)->right;
	split(*at, key, &node->left, &node->right);
	*at = node;
	return 0;
}

static struct node *tree_new(unsigned int depth)
{
	struct node *node = node_new(depth, 0, 0);

	if (depth) {
		node->left = tree_new(depth - 1);
		node->right = tree_new(depth - 1);
	}
	return node;
}

static uint64_t tree_del(struct node *node)
{
	uint64_t sum = 1;

	if (node->left)
		sum += tree_del(node->left) + tree_del(node->right);
	node_del(node);
	return sum;
}

uint64_t work_trees(const struct job *job)
{
	size_t ops = scaled(job, 600000);
	struct node *root = NULL;
	struct rng rng = { 22 };
	uint64_t sum = 0;

	for (size_t i = 0; i < ops; i++) {
		sum += treap_toggle(&root, rng_below(&rng, 300000), &rng);
		if (i % 2000 == 0)
			sum += tree_del(tree_new(8 + i / 2000 % 7));
	}
	while (root)
		sum += treap_toggle(&root, root->key, &rng);
	return sum;
}

/* --- bignum: arithmetic in which each result is a new number ---------------- */

struct num {
	size_t nr;
	uint32_t limb[];
};

static struct num *num_new(size_t nr)
{
	struct num *num = must_alloc(sizeof(*num) + nr * sizeof(num->limb[0]));

	num->nr = nr;
	return num;
}

static struct num *num_from(uint32_t value)
{
	struct num *num = num_new(1);

	num->limb[0] = value;
	return num;
}

/* a + b; the longer one comes first */
static struct num *num_add(const struct num *a, const struct num *b)
{
	struct num *sum = num_new(a->nr + 1);
	uint64_t carry = 0;

	for (size_t i = 0; i < a->nr; i++) {
		carry += a->limb[i] + (i < b->nr ? (uint64_t)b->limb[i] : 0);
		sum->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	sum->limb[a->nr] = (uint32_t)carry;
	sum->nr -= !carry;
	return sum;
}

static struct num *num_mul(const struct num *a, uint32_t by)
{
	struct num *product = num_new(a->nr + 1);
	uint64_t carry = 0;

	for (size_t i = 0; i < a->nr; i++) {
		carry += (uint64_t)a->limb[i] * by;
		product->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	product->limb[a->nr] = (uint32_t)carry;
	product->nr -= !carry;
	return product;
}

static uint32_t num_mod(const struct num *a, uint32_t by)
{
	uint64_t rest = 0;

	for (size_t i = a->nr; i > 0; i--)
		rest = (rest << 32 | a->limb[i - 1]) % by;
	return (uint32_t)rest;
}

/* The n-th number of x(k + 1) = 3 x(k) + x(k - 1), checked modulo a prime */
static uint64_t recurrence(size_t n)
{
	const uint32_t prime = 1000003;
	struct num *a = num_from(1), *b = num_from(1);
	uint64_t x = 1, y = 1, limbs;

	for (size_t i = 0; i < n; i++) {
		struct num *triple = num_mul(b, 3);
		struct num *next = num_add(triple, a);
		uint64_t z = (3 * y + x) % prime;

		free(triple);
		free(a);
		a = b;
		b = next;
		x = y;
		y = z;
	}
	if (num_mod(b, prime) != y)
		die("the arithmetic is wrong after %zu steps", n);
	limbs = b->nr;
	free(a);
	free(b);
	return limbs + y;
}

uint64_t work_bignum(const struct job *job)
{
	size_t rounds = scaled(job, 18000);
	uint64_t sum = 0;

	for (size_t r = 0; r < rounds; r++)
		sum += recurrence(300 + r % 700);
	return sum;
}

/* --- documents: text to a tree and back, with a few of them cached ---------- */

struct value {
	char *key;
	char *text;
	struct value **member;
	size_t nr;
	size_t room;
};

struct text {
	char *p;
	size_t size;
	size_t room;
};

static void text_add(struct text *text, const char *s)
{
	size_t size = strlen(s);

	if (text->size + size + 1 > text->room) {
		text->room = (text->size + size + 1) * 3 / 2;
		text->p = realloc(text->p, text->room);
		if (!text->p)
			die("no memory for %zu bytes of text", text->room);
	}
	memcpy(text->p + text->size, s, size + 1);
	text->size += size;
}

static struct value *value_new(const char *key, const char *text)
{
	struct value *value = calloc(1, sizeof(*value));

	if (!value)
		die("no memory for a value");
	value->key = copy_string(key);
	value->text = text ? copy_string(text) : NULL;
	return value;
}

static void value_add(struct value *value, struct value *member)
{
	if (value->nr == value->room) {
		value->room = value->room ? value->room * 2 : 4;
		value->member = realloc(value->member,
					value->room * sizeof(*value->member));
		if (!value->member)
			die("no memory for %zu members", value->room);
	}
	value->member[value->nr++] = member;
}

static void value_del(struct value *value)
{
	for (size_t i = 0; i < value->nr; i++)
		value_del(value->member[i]);
	free(value->member);
	free(value->text);
	free(value->key);
	free(value);
}

static struct value *value_make(unsigned int depth, struct rng *rng)
{
	uint32_t n = rng_below(rng, 1000);
	char key[32], text[120];
	struct value *value;

	sprintf(key, "key%u", n % 50);
	if (!depth || n % 4 == 0) {
		sprintf(text, "%u%.*s", n, (int)(n % 100),
			" a text that is now and then a little longer than a "
			"number, and in some cases a good deal longer than so");
		return value_new(key, text);
	}
	value = value_new(key, NULL);
	for (n = rng_below(rng, 12) + 1; n > 0; n--)
		value_add(value, value_make(depth - 1, rng));
	return value;
}

static void value_print(const struct value *value, struct text *text)
{
	text_add(text, "<");
	text_add(text, value->key);
	text_add(text, ">");
	if (value->text)
		text_add(text, value->text);
	for (size_t i = 0; i < value->nr; i++)
		value_print(value->member[i], text);
	text_add(text, "</>");
}

/* The piece of text up to one of the stops, as a string of its own */
static char *piece(const char **at, const char *stops)
{
	size_t size = strcspn(*at, stops);
	char *s = must_alloc(size + 1);

	memcpy(s, *at, size);
	s[size] = 0;
	*at += size;
	return s;
}

static struct value *value_parse(const char **at)
{
	struct value *value = calloc(1, sizeof(*value));

	if (!value)
		die("no memory for a value");
	++*at;
	value->key = piece(at, ">");
	++*at;
	if (**at != '<')
		value->text = piece(at, "<");
	while ((*at)[1] != '/')
		value_add(value, value_parse(at));
	*at += 3;
	return value;
}

/* Print, parse what was printed, and print that: the same must come out */
static uint64_t document_check(struct value *value, struct value **parsed)
{
	struct text one = { 0 }, two = { 0 };
	const char *at;
	uint64_t hash;

	value_print(value, &one);
	at = one.p;
	*parsed = value_parse(&at);
	value_print(*parsed, &two);
	if (strcmp(one.p, two.p))
		die("a document has changed");
	hash = hash_string(two.p);
	free(one.p);
	free(two.p);
	return hash;
}

uint64_t work_documents(const struct job *job)
{
	enum {
		CACHED = 256
	};
	static struct value *cache[CACHED];
	size_t rounds = scaled(job, 3000);
	struct rng rng = { 23 };
	uint64_t sum = 0;

	for (size_t r = 0; r < rounds; r++) {
		struct value *made = value_make(2 + r % 3, &rng), *parsed;
		struct value **slot = &cache[rng_below(&rng, CACHED)];

		sum += document_check(made, &parsed);
		value_del(made);
		if (*slot)
			value_del(*slot);
		*slot = parsed;
	}
	for (size_t i = 0; i < CACHED; i++)
		if (cache[i])
			value_del(cache[i]);
	return sum;
}

/* --- cache: values that get another length ---------------------------------- */

struct entry {
	char *key;
	struct block value;
};

static void entry_set(struct entry *entry, uint32_t at, size_t size)
{
	char key[32];

	if (!entry->key) {
		snprintf(key, sizeof(key), "key:%012u", at);
		entry->key = copy_string(key);
	}
	block_exit(&entry->value);
	block_init(&entry->value, size, at + 1);
}

/*
 * A key-value store whose values are replaced, in any order: those of each round have about the
 * length of that round, so what the last round frees does not fit the next.
 */
uint64_t work_cache(const struct job *job)
{
	enum {
		ENTRIES = 40000
	};

	static const uint32_t length[] = { 64, 200, 96, 480, 40, 1500, 300, 56 };
	static struct entry entry[ENTRIES];
	size_t ops = scaled(job, 100000);
	struct rng rng = { 24 };
	uint64_t sum = 0;

	for (size_t r = 0; r < sizeof(length) / sizeof(*length); r++) {
		for (size_t i = 0; i < ops; i++) {
			uint32_t at = rng_below(&rng, ENTRIES);
			size_t size = length[r] * 3 / 4 +
				      rng_below(&rng, length[r] / 2);

			entry_set(&entry[at], at, size);
		}
	}
	for (size_t i = 0; i < ENTRIES; i++) {
		sum += block_exit(&entry[i].value);
		free(entry[i].key);
		entry[i].key = NULL;
	}
	return sum;
}
