/* SPDX-License-Identifier: MIT */
/*
 * relieve.pml - a full slab that another thread gives back for an owner that sleeps.
 *
 * Models inbox_relieve(), returned_all() and qn_local_slab_return() of lib/process/remote.c
 * and local-slab.c, against qn_local_slab_retire() and qn_local_collect() of the owner. One
 * slab of two objects; both are with another thread, who frees them.
 *
 * Holds in all interleavings:
 *  - the slab goes back to the segments once;
 *  - nobody writes to its descriptor afterwards;
 *  - each object is freed once.
 *
 * Weakened, each of which fails:
 *	WEAK_LAST	the slab is called full before the owner is done with it
 *	WEAK_FULL	a slab is given back in any state
 *	WEAK_COUNT	a slab is given back when some of its objects are there
 *	WEAK_TAKE	who relieves looks at the inbox and does not take it
 */
#define NULL 0
#define NR   2

#define CURRENT 0
#define PARTIAL 1
#define FULL    2
#define GONE    3

byte inbox, link[NR + 1];
byte state = CURRENT;
byte used = NR, nr_gone;
bool watched;	/* the count of the slab is set: qn_slab_watch() */
bool freed[NR + 1];
byte threads;

inline take(list)
{
	atomic { list = inbox; inbox = NULL }
}

inline send(first, last)
{
	head = inbox;
	do
	:: link[last] = head;
		atomic {
			if
			:: inbox == head -> inbox = first; head = NULL; break
			:: else -> head = inbox
			fi
		}
	od
}

/* Who touches a descriptor has the slab */
inline touch()
{
	assert(state != GONE)
}

inline release()
{
	assert(state != GONE && nr_gone == 0);
	nr_gone++;
	state = GONE
}

/* qn_local_free() and qn_local_event() */
inline object_free(p)
{
	touch();
	assert(!freed[p]);
	freed[p] = true;
	used--;
	if
	:: used == 0 && state != CURRENT -> release()
	:: used > 0 && state == FULL -> touch(); state = PARTIAL
	:: else
	fi
}

inline collect()
{
	take(p);
	do
	:: p != NULL ->
		next = link[p];
		object_free(p);
		p = next
	:: else -> break
	od
}

active proctype owner()
{
	byte p, next;

	/* It may look at any time: before and after the slab is no longer current */
	do
	:: collect()
	:: break
	od;
	/* qn_local_slab_retire(), of a slab whose objects are with others or free */
	touch();
	if
	:: used == 0 -> release()
	:: used > 0 && used < NR -> touch(); watched = true; state = PARTIAL
	:: used == NR ->
#ifdef WEAK_LAST
		state = FULL;
		touch();
		watched = true
#else
		touch();
		watched = true;
		state = FULL
#endif
	fi;
	do
	:: collect()
	:: break
	od
}

active proctype sender()
{
	byte first, last, head, p, nr;

	/* Both objects, one after the other or as one chain */
	if
	:: send(1, 1); send(2, 2)
	:: link[2] = 1; send(2, 1)
	fi;
	/* inbox_relieve() */
#ifdef WEAK_TAKE
	first = inbox;
#else
	take(first);
#endif
	p = first;
	do
	:: p != NULL -> nr++; last = p; p = link[p]
	:: else -> break
	od;
	if
#ifdef WEAK_FULL
	:: nr == NR ->
#else
#ifdef WEAK_COUNT
	:: nr > 0 && state == FULL ->
#else
	:: nr == NR && state == FULL ->
#endif
#endif
		assert(!freed[1] && !freed[2]);
		freed[1] = true;
		freed[2] = true;
		release()
	:: else ->
		if
		:: first != NULL -> send(first, last)
		:: else
		fi
	fi
}
