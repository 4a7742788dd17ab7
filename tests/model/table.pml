/* SPDX-License-Identifier: MIT */
/*
 * table.pml - the granule table is cut anew while threads read it, and one of them forks.
 *
 * Models table_spare(), table_publish(), qn_hub_table_get() and qn_hub_table_put() of
 * lib/process/hub.c, class_retable() of local-life.c, and tables_lost() of process-fork.c.
 * Each thread reads its table without a lock, follows the hub's, and may build the next one.
 *
 * A signal handler may fork() between any two steps of a thread. The child has that thread
 * alone, which goes on where it was; it took the locks that it did not hold, so they are free.
 *
 * Holds in all interleavings:
 *  - nobody writes to a table that a thread reads, in the child either;
 *  - a count of readers never falls below 0;
 *  - the table that is published is whole.
 *
 * Weakened, each of which fails:
 *	WEAK_USERS	a spare table is any but the published one
 *	WEAK_SLOT	a thread notes its new table after the lock is given back
 *	WEAK_LEARN	a table is built without the lock
 *	WEAK_RECOUNT	a child counts readers anew in any case
 *	WEAK_OWNED	a child does not count the table of a thread that is about to end
 */
#define NR_TABLES  3
#define NR_THREADS 2
#ifndef NR_BUILDS
#define NR_BUILDS  3
#endif

#define NONE 9

byte published;
byte users[NR_TABLES];
byte generation[NR_TABLES];
bool building[NR_TABLES];
byte learn;	/* hub.learn: who holds it, from 1 on */
byte nr_builds = NR_BUILDS;

byte table[NR_THREADS + 1] = NONE;	/* of each local */
bool owned[NR_THREADS + 1];
byte alone;	/* the thread of a child; 0: nobody forked */
bool done[NR_THREADS + 1];

inline lock()
{
	atomic { learn == 0 -> learn = me }
}

inline unlock()
{
	learn = 0
}

/* qn_hub_table_get(): from the table that the local has to the published one */
inline retable()
{
	lock();
	t = published;
	users[t]++;
	if
	:: table[me] != NONE -> users[table[me]]--;
		assert(users[table[me]] < NR_THREADS)
	:: table[me] == NONE
	fi;
#ifdef WEAK_SLOT
	unlock();
	table[me] = t;
#else
	table[me] = t;
	unlock();
#endif
	mine = generation[t]
}

/* All of a refill that looks at the table */
inline read()
{
	assert(!building[table[me]]);
	assert(generation[table[me]] == mine)
}

/* controller_look(): table_spare(), the next table, table_publish() */
inline build()
{
#ifndef WEAK_LEARN
	lock();
#endif
	d_step {
		t = 0;
		do
#ifdef WEAK_USERS
		:: t < NR_TABLES && t == published -> t++
#else
		:: t < NR_TABLES && (t == published || users[t] > 0) -> t++
#endif
		:: else -> break
		od
	};
	if
	:: t < NR_TABLES ->
		atomic { assert(!building[t]); building[t] = true };
		generation[t] = NR_BUILDS - nr_builds + 1;
		users[t] = 0;
		atomic { building[t] = false; published = t }
	:: t == NR_TABLES
	fi;
#ifndef WEAK_LEARN
	unlock()
#endif
}

/* Threads of the parent do not go on in a child */
proctype thread(byte me) provided (alone == 0 || alone == _pid)
{
	byte t, mine;

	/* local_adopt(), with hub.threads held */
	owned[me] = true;
	retable();
	do
	:: atomic { nr_builds > 0 -> nr_builds-- }; build()
	:: table[me] != published -> retable()
	:: read()
	:: break
	od;
	read();
	/* qn_local_put() */
	owned[me] = false;
	lock();
	assert(users[table[me]] > 0 && users[table[me]] <= NR_THREADS);
	users[table[me]]--;
	table[me] = NONE;
	unlock();
	done[me] = true
}

/* qn_process_fork_child(), in a signal handler of a thread */
inline fork(who)
{
	d_step {
		alone == 0 && (learn == 0 || learn == who);
		alone = who;
#ifndef WEAK_RECOUNT
		if
		:: learn != who ->
#endif
			users[0] = 0;
			users[1] = 0;
			users[2] = 0;
			if
#ifdef WEAK_OWNED
			:: owned[who] && table[who] != NONE ->
#else
			:: table[who] != NONE ->
#endif
				users[table[who]]++
			:: else
			fi
#ifndef WEAK_RECOUNT
		:: else
		fi
#endif
	}
}

proctype signal()
{
	if
	:: fork(1)
	:: fork(2)
	:: true
	fi
}

init
{
	atomic {
		run thread(1);
		run thread(2);
		run signal()
	};
	timeout;
	assert((done[1] || alone == 2) && (done[2] || alone == 1))
}
