/* SPDX-License-Identifier: MIT */
/*
 * tree.h - calibration points, looked up by channel and value.
 *
 * A balanced search tree in the store: nodes of 24 to 56 bytes that come and go
 * one at a time, in an order of their own.
 */
#ifndef TREE_H
#define TREE_H

#include "checksum.h"
#include "store.h"

/**
 * struct tree - all calibration points
 * @root:	link to the node on top
 * @nr_nodes:	nodes in it
 * @bytes:	of all nodes
 * @limit:	bytes that they may have
 */
struct tree {
	u32 root;
	u32 nr_nodes;
	u32 bytes;
	u32 limit;
};

/**
 * tree_calibrate() - correct a value by the nearest point at or below it
 *
 * Return: @value itself if there is no such point.
 */
s32 tree_calibrate(const struct tree *t, const struct store *s,
		   unsigned int channel, s32 value);

/**
 * tree_add() - a calibration point near a value, if there is none yet
 * @t:		the tree; a random point is removed where the limit demands it
 * @s:		where nodes are kept
 * @rng:	source of the coefficients
 * @channel:	the channel
 * @value:	the value
 */
void tree_add(struct tree *t, struct store *s, struct rng *rng,
	      unsigned int channel, s32 value);

/* Remove all points */
void tree_exit(struct tree *t, struct store *s);

/* Is it a search tree, with each node's content as it was written? */
bool tree_check(const struct tree *t, const struct store *s);

#endif /* TREE_H */
