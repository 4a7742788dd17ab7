// SPDX-License-Identifier: MIT
/*
 * arena.c - an example of qn_arena: a configuration text becomes a tree, is used, and
 * goes as a whole.
 *
 * Nodes, names and lists of children are of all sizes and live equally long. Nobody
 * frees them one by one: the arena gives back its chunks. A mark undoes what was begun
 * and turned out to be wrong.
 */
#include "print.h"
#include "quern.h"

struct node {
	const char *name;
	QN_ARRAY(struct node *) children;
};

static const char text[] =
	"(sensors (temperature (median mean)) (pressure (mean))"
	" (humidity))";
static const char broken[] = "(sensors (temperature (median";

static unsigned char memory[8192];

static const char *skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

static const char *parse(struct qn_arena *a, const char *p, struct node *to);

/* A name, and the children that follow it in parentheses, to @parent */
static const char *parse_node(struct qn_arena *a, const char *p,
			      struct node *parent)
{
	struct node **slot = qn_array_add(a, &parent->children);
	struct node *n = (struct node *)qn_arena_alloc(a, sizeof(*n));
	const char *from = p;

	if (!slot || !n)
		return NULL;
	while (*p >= 'a' && *p <= 'z')
		p++;
	*n = (struct node){
		.name = qn_arena_string(a, from, (size_t)(p - from)),
	};
	*slot = n;
	p = skip_blanks(p);
	return *p == '(' ? parse(a, p, n) : p;
}

/* "(name (children) ...)"; NULL if it does not end */
static const char *parse(struct qn_arena *a, const char *p, struct node *to)
{
	p = skip_blanks(p + 1);
	while (p && *p && *p != ')') {
		if (*p == '(')
			p = parse(a, p, to);
		else
			p = parse_node(a, p, to);
		if (p)
			p = skip_blanks(p);
	}
	return p && *p ? p + 1 : NULL;
}

static void print_tree(const struct node *n, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++)
		print("  ");
	print("%s\n", n->name);
	for (size_t i = 0; i < n->children.nr; i++)
		print_tree(n->children.at[i], depth + 1);
}

int main(void)
{
	struct qn_heap *heap = qn_heap_init(memory, sizeof(memory));
	struct node root = { .name = "root" }, other = { .name = "other" };
	struct qn_arena_mark before;
	struct qn_arena arena;
	struct qn_stats st;

	if (!heap)
		return 1;
	qn_arena_init_heap(&arena, heap, 512);
	if (!parse(&arena, text, &root))
		return 1;
	before = qn_arena_mark_get(&arena);
	if (!parse(&arena, broken, &other)) {
		qn_arena_release(&arena, before);
		print("the second text is broken: as if it had not been read\n");
	}
	print_tree(&root, 0);
	qn_arena_reset(&arena);
	qn_heap_stats(heap, &st);
	print("afterwards %u blocks are live\n", (unsigned int)st.nr_live);
	return 0;
}
