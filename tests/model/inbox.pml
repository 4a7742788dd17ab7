/* SPDX-License-Identifier: MIT */
/*
 * inbox.pml - the inbox of a local while threads come and go: remote frees, orphans, adoption.
 *
 * Models inbox_send(), send(), orphan_collect() and inbox_relieve() of lib/process/remote.c
 * with qn_local_collect(), and local_adopt() and qn_local_put() of lib/process/local-life.c.
 * One local, two threads that have it one after the other, two senders, the helper.
 *
 * Holds in all interleavings:
 *  - an object that was sent is freed once: it is neither lost nor freed twice;
 *  - one thread at a time frees into the slabs of the local;
 *  - at the end nothing waits in the inbox of an orphan.
 *
 * Memory is sequentially consistent but for one store: that of ORPHAN in qn_local_put() may
 * reach others late. A sequentially consistent exchange waits for it, an acquire does not.
 *
 * Weakened, each of which fails:
 *	WEAK_STATE	the thread looks at its inbox before it is an orphan
 *	WEAK_TAKE	the exchange of inbox_take() is an acquire alone
 *	WEAK_RECHECK	orphan_collect() believes what send() saw
 *	WEAK_PUSH	inbox_send() stores instead of comparing
 *	WEAK_POP	the owner takes one object at a time, by compare-and-swap
 *	WEAK_RELIEVE	who relieves an inbox puts the rest back by a store
 */
#define NR 3
#ifndef ROUNDS
#define ROUNDS 3
#endif

#define NULL   0
#define OWNED  1
#define ORPHAN 2

/* Where an object is: free in its slab, with sender 1 or 2, sent */
#define FREE 0
#define SENT 9

byte inbox, link[NR + 1], at[NR + 1];
byte state = ORPHAN;
bool late;	/* ORPHAN was stored, and nobody sees it yet */
byte threads;	/* hub.threads: who holds it */
byte nr_collect, nr_done, nr_ended, left = ROUNDS;

#define ALL_DONE 5

inline lock(me)
{
	atomic { threads == 0 -> threads = me }
}

/* A release: what was stored before is seen first */
inline unlock()
{
	atomic { !late -> threads = 0 }
}

active proctype buffer()
{
end:	do
	:: atomic { late -> state = ORPHAN; late = false }
	od
}

/* inbox_take() */
inline take(list)
{
#ifdef WEAK_TAKE
	atomic { list = inbox; inbox = NULL }
#else
	atomic { !late -> list = inbox; inbox = NULL }
#endif
}

inline free_one(p)
{
	assert(at[p] == SENT);
	at[p] = FREE
}

/* qn_local_collect() */
inline collect()
{
	assert(nr_collect == 0);
	nr_collect++;
#ifdef WEAK_POP
	p = inbox;
	do
	:: p != NULL ->
		next = link[p];
		atomic {
			if
			:: inbox == p -> inbox = next; free_one(p)
			:: else
			fi;
			p = inbox
		}
	:: else -> break
	od;
#else
	take(p);
	do
	:: p != NULL ->
		next = link[p];
		free_one(p);
		p = next
	:: else -> break
	od;
#endif
	nr_collect--
}

/* inbox_send(): the compare-and-swap may fail for no reason, which repeats what is here */
inline inbox_send(first, last)
{
	head = inbox;
	do
	:: link[last] = head;
#ifdef WEAK_PUSH
		inbox = first;
		break
#else
		atomic {
			if
			:: inbox == head -> inbox = first; head = NULL; break
			:: else -> head = inbox
			fi
		}
#endif
	od
}

/* Give any free object to any sender: the program's way of its blocks */
inline hand_out()
{
	d_step {
		left > 0 && (at[1] == FREE || at[2] == FREE || at[3] == FREE);
		left--;
		p = (at[1] == FREE -> 1 : (at[2] == FREE -> 2 : 3))
	};
	if
	:: at[p] = 1
	:: at[p] = 2
	fi;
	p = NULL
}

proctype owner(byte me)
{
	byte p, next;

	/* qn_local_get(): an orphan, or it would be a new one */
	lock(me);
	if
	:: state == ORPHAN -> state = OWNED; threads = 0
	:: else -> threads = 0; goto done
	fi;
	do
	:: hand_out()
	:: collect()
	:: break
	od;
	/* qn_local_put() */
	lock(me);
#ifdef WEAK_STATE
	collect();
	late = true;
#else
	late = true;
	collect();
#endif
	unlock();
done:
	nr_ended++;
	nr_done++
}

inline orphan_collect()
{
	lock(me);
#ifndef WEAK_RECHECK
	if
	:: state == ORPHAN -> collect()
	:: else
	fi;
#else
	collect();
#endif
	unlock()
}

/* Others' blocks and whole slabs leave the list; what is left goes back */
inline inbox_relieve()
{
	if
	:: atomic { threads == 0 -> threads = me };
		if
		:: state == OWNED ->
			take(first);
			last = first;
			do
			:: last != NULL && link[last] != NULL -> last = link[last]
			:: else -> break
			od;
			if
			:: first != NULL ->
#ifdef WEAK_RELIEVE
				inbox = first
#else
				inbox_send(first, last)
#endif
			:: else
			fi
		:: else
		fi;
		unlock()
	:: threads != 0
	fi
}

#define HAS(me) (at[1] == me || at[2] == me || at[3] == me)

proctype sender(byte me)
{
	byte first, last, head, p, next;

	do
	:: HAS(me) ->
		/* A batch of all it has, or of one */
		d_step {
			p = (at[1] == me -> 1 : (at[2] == me -> 2 : 3));
			at[p] = SENT;
			first = p; last = p
		};
		if
		:: d_step {
			HAS(me) ->
			p = (at[1] == me -> 1 : (at[2] == me -> 2 : 3));
			at[p] = SENT;
			link[p] = first; first = p
			}
		:: true
		fi;
		p = NULL;
		inbox_send(first, last);
		first = NULL; last = NULL;
		if
		:: state == ORPHAN -> orphan_collect()
		:: state == OWNED -> inbox_relieve()
		:: state == OWNED
		fi;
		first = NULL; last = NULL
	:: nr_ended == 2 && !HAS(me) -> break
	od;
	nr_done++
}

/* qn_local_idle(): orphans are trimmed */
proctype helper()
{
	byte p, next;

	lock(5);
	if
	:: state == ORPHAN -> collect()
	:: else
	fi;
	unlock();
	nr_done++
}

init
{
	atomic {
		run owner(3);
		run owner(4);
		run sender(1);
		run sender(2);
		run helper()
	};
	nr_done == ALL_DONE && !late;
	assert(state == ORPHAN);
	assert(inbox == NULL);
	assert(at[1] == FREE && at[2] == FREE && at[3] == FREE)
}
