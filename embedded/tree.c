// SPDX-License-Identifier: MIT
/*
 * tree.c - a treap: a search tree by key that is a heap by a hash of the key
 * (Seidel and Aragon 1996), so its shape does not depend on the order of
 * insertion and no balance is stored.
 */
#include "tree.h"

#define MIN_COEFS  2
#define MAX_COEFS  10
#define COEF_SHIFT 16

/* Values that share a calibration point */
#define BUCKET_SHIFT 5
#define BUCKET_BITS  24
#define BUCKET_MASK  ((1u << BUCKET_BITS) - 1)
/* Makes negative values into positive buckets */
#define BUCKET_BIAS (1 << 28)

/**
 * struct node - a calibration point, 24 to 56 bytes
 * @block:	header
 * @left, @right: links
 * @key:	channel and value
 * @coef:	of a polynomial in the distance to the point, constant first
 */
struct node {
	struct block block;
	u32 left;
	u32 right;
	u32 key;
	s32 coef[];
};

static u32 node_size(u32 nr_coefs)
{
	return (u32)(offsetof(struct node, coef) + nr_coefs * sizeof(s32));
}

static u32 nr_coefs_of(const struct node *n)
{
	return (u32)((block_size(&n->block) - offsetof(struct node, coef)) /
		     sizeof(s32));
}

static u32 make_key(unsigned int channel, s32 value)
{
	u32 bucket = (u32)(value + BUCKET_BIAS) >> BUCKET_SHIFT;

	return channel << BUCKET_BITS | (bucket & BUCKET_MASK);
}

static s32 key_value(u32 key)
{
	return (s32)((key & BUCKET_MASK) << BUCKET_SHIFT) - BUCKET_BIAS;
}

static u32 priority(const struct node *n)
{
	return fnv1a_word(FNV1A_START, n->key);
}

static struct node *deref(const struct store *s, u32 link)
{
	return store_deref(s, link);
}

/* The node with the largest key up to @key, or NULL */
static struct node *find_floor(const struct tree *t, const struct store *s,
			       u32 key)
{
	struct node *best = NULL;
	struct node *n = deref(s, t->root);

	while (n) {
		if (n->key <= key)
			best = n;
		n = deref(s, n->key <= key ? n->right : n->left);
	}
	return best;
}

static s32 evaluate(const struct node *n, s32 x)
{
	s32 y = 0;

	for (u32 i = nr_coefs_of(n); i-- > 0;)
		y = n->coef[i] + (s32)(((s64)y * x) >> COEF_SHIFT);
	return y;
}

s32 tree_calibrate(const struct tree *t, const struct store *s,
		   unsigned int channel, s32 value)
{
	struct node *n = find_floor(t, s, make_key(channel, value));

	if (!n || n->key >> BUCKET_BITS != channel)
		return value;
	return value + evaluate(n, value - key_value(n->key));
}

/* Cut the tree below *@link in two: keys up to @key, and the others */
static void split(const struct store *s, u32 link, u32 key, u32 *low, u32 *high)
{
	struct node *n;

	for (n = deref(s, link); n; n = deref(s, link))
		if (n->key <= key) {
			*low = link;
			low = &n->right;
			link = n->right;
		} else {
			*high = link;
			high = &n->left;
			link = n->left;
		}
	*low = 0;
	*high = 0;
}

/* Make one tree of two; every key of @low is below every key of @high */
static u32 merge(const struct store *s, u32 low, u32 high)
{
	u32 root = 0;
	u32 *to = &root;

	while (low && high) {
		struct node *a = deref(s, low);
		struct node *b = deref(s, high);

		if (priority(a) > priority(b)) {
			*to = low;
			to = &a->right;
			low = a->right;
		} else {
			*to = high;
			to = &b->left;
			high = b->left;
		}
	}
	*to = low ? low : high;
	return root;
}

static void insert(struct tree *t, const struct store *s, struct node *new)
{
	u32 *link = &t->root;
	struct node *n;

	for (n = deref(s, *link); n && priority(n) > priority(new);
	     n = deref(s, *link))
		link = n->key <= new->key ? &n->right : &n->left;
	split(s, *link, new->key, &new->left, &new->right);
	*link = store_link(s, new);
	t->nr_nodes++;
	t->bytes += block_size(&new->block);
}

static void remove(struct tree *t, struct store *s, struct node *gone)
{
	u32 *link = &t->root;
	struct node *n;

	for (n = deref(s, *link); n != gone; n = deref(s, *link))
		link = gone->key > n->key ? &n->right : &n->left;
	*link = merge(s, gone->left, gone->right);
	t->nr_nodes--;
	t->bytes -= block_size(&gone->block);
	store_free(s, &gone->block, block_size(&gone->block));
}

static void remove_some(struct tree *t, struct store *s, u32 key)
{
	struct node *n = find_floor(t, s, key);

	remove(t, s, n ? n : deref(s, t->root));
}

static void set_coefs(struct node *n, struct rng *rng)
{
	u32 nr = nr_coefs_of(n);

	n->coef[0] = (s32)rng_range(rng, 0, 40) - 20;
	for (u32 i = 1; i < nr; i++)
		n->coef[i] = (s32)(rng_next(rng) & 0xfff) - 0x800;
}

static struct node *make_node(struct store *s, struct rng *rng, u32 key)
{
	u32 size = node_size(rng_range(rng, MIN_COEFS, MAX_COEFS));
	struct node *n = store_alloc(s, BLOCK_NODE, size);

	if (!n)
		return NULL;
	n->key = key;
	set_coefs(n, rng);
	block_seal(&n->block, size);
	return n;
}

void tree_add(struct tree *t, struct store *s, struct rng *rng,
	      unsigned int channel, s32 value)
{
	u32 key = make_key(channel, value);
	struct node *n = find_floor(t, s, key);

	if (n && n->key == key)
		return;
	while (t->root && t->bytes + node_size(MAX_COEFS) > t->limit &&
	       !s->nr_damaged)
		remove_some(t, s,
			    make_key(rng_range(rng, 0, 2), value) ^
				    (rng_next(rng) & 0x3ff));
	n = make_node(s, rng, key);
	if (n)
		insert(t, s, n);
}

void tree_exit(struct tree *t, struct store *s)
{
	while (t->root && !s->nr_damaged)
		remove(t, s, deref(s, t->root));
}

/* Keys below @n lie in [@low, @high]; depth is logarithmic, as chance has it */
static bool check_node(const struct store *s, const struct node *n, u32 low,
		       u32 high)
{
	if (!n)
		return true;
	if (n->key < low || n->key > high)
		return false;
	if (!block_is_intact(&n->block, block_size(&n->block)))
		return false;
	return check_node(s, deref(s, n->left), low, n->key) &&
	       check_node(s, deref(s, n->right), n->key, high);
}

bool tree_check(const struct tree *t, const struct store *s)
{
	return check_node(s, deref(s, t->root), 0, ~0u);
}
