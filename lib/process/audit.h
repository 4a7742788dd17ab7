/* SPDX-License-Identifier: MIT */
/*
 * audit.h - a look for damage where a program or a thread ends.
 *
 * free() has no time to notice a second free or a link that was overwritten: a refill
 * that comes upon it does. Where no refill follows, this look does. Above the locals,
 * called from process-life.c.
 *
 * How misuse is noticed on Linux. Each finding ends in one line and SIGABRT. The line
 * names the function that noticed it, the pointer, the fault and mostly the block's size.
 *
 * Fenced blocks (fence.h) are a thread's first 1024, the first 128 of a process above 32 KB
 * and up to 4 MB, and a few samples later:
 *
 *	misuse				noticed by
 *	second free, pointer into a	free() and all others that are given one, at once
 *	block, freed block
 *	write up to 16 bytes before or	free(), realloc(), malloc_usable_size(), or the end;
 *	from the first byte behind	the end looks at blocks of all threads
 *	write to a freed block		when its unit goes back, or the end; of a block above
 *					32 KB in its first 4000 bytes
 *	wrong size to delete or		at once, any other size
 *	free_sized()
 *
 * All other blocks:
 *
 *	misuse				noticed by
 *	a pointer without a block	free() at once, if it is none of a small block of
 *					the thread's own; else as a second free
 *	second free, small block	a refill that comes upon it, the slab that leaves,
 *					or the end of the thread or the process
 *	second free by another thread	the batch, where the object has its key
 *					(struct qn_sent); else the owner's collect, or
 *					the end
 *	second free, other blocks	the tag or the descriptor, at once
 *	realloc, malloc_usable_size or	a compare with the two objects that the slab got
 *	sized delete, freed small block	last
 *	write to a freed block		links that lead elsewhere, or a list shorter than
 *					its count: the next call to follow them, or the end
 *	write beyond a medium block	tags of the neighbours: when it is merged or
 *	or before it			resized, or the end
 *	write beyond a large block	its slack (slack.h): when it is freed or resized,
 *					or the end
 *	wrong size to delete		a compare on the way: only a size that the block
 *	or free_sized()			cannot have been allocated with
 *
 * These pass unnoticed. In a fenced block it is the third; in others nothing tells:
 *
 *  - a write into a neighbour in use, or into the rest of a rounded size: how much was
 *    asked for is not kept, and malloc_usable_size() allows it;
 *  - a write to a freed block behind its first words: nobody knows what stood there;
 *  - a block that is freed by the function of another language.
 *
 * The look at the end runs in a destructor of the library. It follows a bounded number of
 * links, tags and marks, and writes nothing. It looks at the blocks of the calling thread, and
 * under hub.threads at those of orphans; at large blocks only while no other thread has
 * a local. exit() may be called by a signal handler that interrupted malloc(). So slow
 * paths write counts and links in an order in which no list is ever shorter than its
 * count (qn_in_order()), and qn_medium.busy says that tags are being changed.
 *
 * tests/process/x-misuse.sh counts what is noticed of a collection of planted errors.
 */
#ifndef QN_AUDIT_H
#define QN_AUDIT_H

#include "process/hub.h"
#include "process/local.h"

/**
 * qn_audit_thread() - look at the lists of a local
 * @l:		the local of the calling thread, which ends
 *
 * Context: the owner. Bounded time. Stops the program with a message where something
 * was freed twice or written to after it was freed.
 */
void qn_audit_thread(struct qn_local *l);

/**
 * qn_audit_process() - look at what the calling thread and none has
 * @hub:	the hub
 * @l:		the local of the calling thread
 *
 * Other threads may go on meanwhile; what is theirs is not looked at. Locks are taken
 * if they are free. Bounded time.
 *
 * Context: the end of the process, also in a signal handler that interrupted any code
 * of the heap.
 */
void qn_audit_process(struct qn_hub *hub, struct qn_local *l);

#endif /* QN_AUDIT_H */
