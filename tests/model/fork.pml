/* SPDX-License-Identifier: MIT */
/*
 * fork.pml - fork(), also from a signal handler in the middle of malloc().
 *
 * Models qn_process_fork_prepare(), fork_unlock() and qn_process_fork_child() of
 * lib/process/process-fork.c, qn_helper_end() of helper.c, and threads that take the locks
 * in their order (ARCHITECTURE.md). Three locks stand for the eight: hub.threads, hub.learn
 * and segments.lock. Thread A forks, once; B allocates; the helper gives memory back.
 *
 * A parent and a child are two ways on: the child has A alone.
 *
 * Holds in all interleavings:
 *  - nobody waits for ever, neither the parent nor the child;
 *  - what a lock guards is whole in the child, unless A itself was about it.
 *
 * A handler that interrupts malloc() may hold a lock that is later in the order than one that
 * B holds, while B waits for the later one. Then fork() gives the earlier one up after a while,
 * and goes on without it. In that child a handler may call what signal handlers may call, and
 * exec(). More than that may wait for ever: LIMIT_CHILD, which does not hold.
 *
 * Weakened, each of which fails:
 *	WEAK_ORDER	fork() takes the locks in the reverse order
 *	WEAK_HELD	fork() waits for a lock that A holds itself
 *	WEAK_LAST	fork() does not take the last lock
 *	WEAK_PATIENT	fork() gives no lock up
 *	WEAK_HASTY	fork() gives locks up where A holds no later one
 *	WEAK_JOIN	fork() waits for the helper's end with a lock of its own held
 *	WEAK_UNLOCK	a child gives back the locks that the interrupted malloc() holds
 */
#define NR 3

#define A      1
#define B      2
#define HELPER 3
#define HANDLER 4

byte holder[NR];
bool torn[NR];		/* what the lock guards is being changed */
bool helper_runs = true;
bool helper_ends;
bool is_child;
bool in_handler;	/* A does nothing else meanwhile */
bool gave_up;		/* fork() goes on without a lock */
bool was_early;		/* A held a later lock than one that it did not hold */
bool early[NR];
bool done[5];

inline lock(me, i)
{
	atomic { holder[i] == 0 -> holder[i] = me }
}

inline unlock(me, i)
{
	atomic { assert(holder[i] == me); holder[i] = 0 }
}

inline change(me, i)
{
	assert(!torn[i]);
	torn[i] = true;
	torn[i] = false
}

/* A slow path: one or two locks in their order */
inline slow_path(me)
{
	if
	:: first = 0; second = NR
	:: first = 0; second = 1
	:: first = 0; second = 2
	:: first = 1; second = NR
	:: first = 1; second = 2
	:: first = 2; second = NR
	fi;
	lock(me, first);
	change(me, first);
	if
	:: second < NR ->
		lock(me, second);
		change(me, second);
		unlock(me, second)
	:: else
	fi;
	unlock(me, first)
}

/* Others do not go on in a child */
proctype thread_b() provided (!is_child)
{
	byte first, second;

	slow_path(B);
	slow_path(B);
	done[B] = true
}

proctype helper() provided (!is_child)
{
	byte first, second, rounds = 1;

	do
	:: rounds > 0 && !helper_ends ->
		rounds--;
		if
		:: slow_path(HELPER)
		:: true
		fi
	:: rounds == 0 || helper_ends -> break
	od;
	helper_runs = false
}

/* Locks that A holds, perhaps in what the handler interrupted */
#define HOLDS(i) (holder[i] == A)
#define HOLDS_ANY (HOLDS(0) || HOLDS(1) || HOLDS(2))
/* One of A's locks is later than this one */
#define IS_EARLY(i) ((i == 0 && (HOLDS(1) || HOLDS(2))) || (i == 1 && HOLDS(2)))

inline try_to_take(i)
{
#ifdef WEAK_LAST
	if
	:: i == NR - 1 -> skip
	:: i < NR - 1 ->
#else
	if
	:: true ->
#endif
		if
#ifndef WEAK_HELD
		:: HOLDS(i)
		:: !HOLDS(i) ->
#else
		:: true ->
#endif
			if
			:: atomic { holder[i] == 0 -> holder[i] = A };
				taken[i] = true
#ifndef WEAK_PATIENT
#ifdef WEAK_HASTY
			:: holder[i] != 0 -> gave_up = true
#else
			/* held_end() was asked before the first lock was taken */
			:: holder[i] != 0 && early[i] -> gave_up = true
#endif
#endif
			fi
		fi
	fi
}

/* qn_process_fork_prepare(), fork() and what follows on either side */
inline do_fork()
{
	/* qn_process_end_helper() */
#ifndef WEAK_JOIN
	if
	:: !HOLDS_ANY ->
#endif
		helper_ends = true;
		!helper_runs
#ifndef WEAK_JOIN
	:: HOLDS_ANY
	fi
#endif
	;
	early[0] = IS_EARLY(0);
	early[1] = IS_EARLY(1);
#ifdef WEAK_ORDER
	try_to_take(2);
	try_to_take(1);
	try_to_take(0);
#else
	/* Between two locks from the first on, none is held that is later */
	try_to_take(0);
	try_to_take(1);
	try_to_take(2);
#endif
	if
	:: is_child = true
	:: true
	fi;
	/* Nobody but A was about what a lock guards */
	assert(!is_child || !((taken[0] && torn[0]) || (taken[1] && torn[1]) ||
			      (taken[2] && torn[2])));
	assert(!is_child || was_early ||
	       (holder[0] == A && holder[1] == A && holder[2] == A));
	/* fork_unlock(), the last one first */
	d_step {
		i = NR;
		do
		:: i > 0 -> i--;
			if
#ifdef WEAK_UNLOCK
			:: true ->
#else
			:: taken[i] ->
#endif
				holder[i] = 0; taken[i] = false
			:: else
			fi
		:: else -> break
		od;
		i = 0
	}
}

proctype thread_a() provided (!in_handler)
{
	byte first, second;

	slow_path(A);
	/* In a child as well: all locks are free in the end */
	slow_path(A);
	done[A] = true
}

/* At any step of A; A goes on when the handler is through */
proctype handler()
{
	byte i;
	bool taken[NR];

	in_handler = true;
	was_early = (IS_EARLY(0) && !HOLDS(0)) || (IS_EARLY(1) && !HOLDS(1));
	do_fork();
	in_handler = false;
	done[HANDLER] = true
}

init
{
	atomic {
		run thread_a();
		run thread_b();
		run helper();
		run handler()
	};
	timeout;
	assert(done[HANDLER] && (is_child || (done[B] && !helper_runs)));
#ifdef LIMIT_CHILD
	if
	:: true ->
#else
	if
	:: is_child && gave_up
	:: !(is_child && gave_up) ->
#endif
		assert(done[A]);
		assert(holder[0] == 0 && holder[1] == 0 && holder[2] == 0)
	fi
}
