/* SPDX-License-Identifier: MIT */
/*
 * flame-tree.h - stacks put together into one tree of functions.
 */
#ifndef QN_FLAME_TREE_H
#define QN_FLAME_TREE_H

#include "flame.h"

/**
 * struct qn_node - a function, called by those above it
 * @frame:	of it; NULL: the root
 * @value:	of it and of all below it
 * @first, @next: indices of the first function below, of the next beside; 0: none
 */
struct qn_node {
	struct qn_symbols_frame frame;
	u64 value;
	u32 first;
	u32 next;
};

/**
 * struct qn_flame_tree - all functions; node 0 is the root
 */
struct qn_flame_tree {
	struct qn_node *nodes;
	u32 nr;
};

/*
 * Those below a node come by value, the largest first. @is_inverted: what allocates is at the
 * root, its callers are below it
 */
void qn_flame_tree_make(struct qn_flame_tree *t, const struct qn_flame *f,
			enum qn_flame_of of, bool is_inverted);
void qn_flame_tree_exit(struct qn_flame_tree *t);

#endif /* QN_FLAME_TREE_H */
