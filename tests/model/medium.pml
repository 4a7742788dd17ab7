/* SPDX-License-Identifier: MIT */
/*
 * medium.pml - the chunks of a thread, in which others free blocks while it sleeps.
 *
 * Models lock_contended(), others_begin() and others_end() of lib/process/local-medium.c,
 * and qn_medium_put(), qn_medium_get() and tag_note() of medium.h and medium.c. Block B lies
 * behind block A. A was sent by another thread; B is the owner's.
 *
 * Holds in all interleavings:
 *  - one thread at a time is about the chunks, and nobody waits for ever;
 *  - no byte that turned free is lost to the count;
 *  - B's tag has the flag of its owner and the flag of who freed A.
 *
 * Weakened, each of which fails:
 *	WEAK_OWED	others count in @free, which the owner writes without the lock
 *	WEAK_HALF	who changes one half of a tag writes all of it
 *	WEAK_BUSY	the lock is looked at and then taken
 */
#define OWNER  1
#define OTHER  2
#define HELPER 3

byte threads;
bool busy;
byte nr_inside, nr_done;
byte nr_free, nr_owed, nr_freed;
bool waits, prev_free;	/* halves of B's tag */
bool b_waits, a_free;

inline enter()
{
	nr_inside++;
	assert(nr_inside == 1)
}

inline leave()
{
	nr_inside--;
	busy = false
}

/* qn_medium_trylock() */
inline try(got)
{
#ifdef WEAK_BUSY
	got = !busy;
	if
	:: got -> busy = true
	:: else
	fi
#else
	atomic { got = !busy; busy = true }
#endif
}

/* lock() of local-medium.c: bytes that others counted are the owner's now */
inline owner_lock()
{
	try(got);
	do
	:: !got ->
		atomic { threads == 0 -> threads = OWNER };
		threads = 0;
		try(got)
	:: else -> break
	od;
	enter();
	nr_free = nr_free + nr_owed;
	nr_owed = 0
}

/* The lower half of a tag is the owner's */
inline set_waits(on)
{
#ifdef WEAK_HALF
	half = prev_free;
	waits = on;
	prev_free = half;
#else
	waits = on;
#endif
	b_waits = on
}

active proctype owner()
{
	bool got, half;
	byte n, rounds = 2;

	do
	:: rounds > 0 && !b_waits ->
		/* qn_medium_put(), without the lock */
		rounds--;
		set_waits(true);
		nr_freed++;
		n = nr_free;
		nr_free = n + 1
	:: rounds > 0 && b_waits ->
		/* qn_medium_get(), likewise */
		rounds--;
		n = nr_free;
		nr_free = n - 1;
		nr_freed--;
		set_waits(false)
	:: owner_lock(); leave(); break
	od;
	owner_lock();
	assert(nr_free == nr_freed);
	leave();
	nr_done++
}

/* qn_local_medium_take(): A is freed */
active proctype other()
{
	bool got, half;
	byte n;

	atomic { threads == 0 -> threads = OTHER };
	try(got);
	if
	:: got ->
		enter();
		nr_freed++;
#ifdef WEAK_OWED
		n = nr_free;
		nr_free = n + 1;
#else
		n = nr_owed;
		nr_owed = n + 1;
#endif
		/* tag_note() of B */
#ifdef WEAK_HALF
		half = waits;
		prev_free = true;
		waits = half;
#else
		prev_free = true;
#endif
		a_free = true;
		leave()
	:: else
	fi;
	threads = 0;
	nr_done++
}

/* qn_local_medium_idle() */
active proctype helper()
{
	bool got;

	atomic { threads == 0 -> threads = HELPER };
	try(got);
	if
	:: got -> enter(); leave()
	:: else
	fi;
	threads = 0;
	nr_done++
}

active proctype end_of_all()
{
	nr_done == 3;
	assert(waits == b_waits && prev_free == a_free);
	assert(nr_free + nr_owed == nr_freed);
	assert(!busy && threads == 0)
}
