// SPDX-License-Identifier: MIT
/*
 * x-memprof-main.cc - orders that are kept, and jobs that are made anew again and again;
 * x-memprof.sh has a compiler find that out by a profile (MemProf), and runs it.
 *
 *	x-memprof-main [apart|together|profile]
 *
 * The first jobs are made between the orders. Apart: orders, which the compiler then calls cold,
 * lie in slabs of their own. Names are made by one function for both, so that it takes copies of
 * that function to tell them apart (link-time optimisation, -DCLONED). For the profile orders live
 * longer than a second, and jobs for a hundredth of the run.
 */
#include <new>

#include <unistd.h>

#include "x-tokens.h"

enum {
	NR = 1 << 12,
	ROUNDS = 100,
	NAME = 192
};

/* Of one size class */
struct order {
	long id;
	char *name;
	char text[112];
};

struct job {
	long n;
	char *name;
	char text[104];
};

#define APART __attribute__((noinline))

static order *orders[NR];
static job *jobs[NR];

APART static char *new_name(char first)
{
	char *name = new char[NAME];

	memset(name, first, NAME);
	return name;
}

APART static order *new_order(long id)
{
	order *o = new order;

	o->id = id;
	o->name = new_name('o');
	memset(o->text, 1, sizeof(o->text));
	return o;
}

APART static job *new_job(long n)
{
	job *j = new job;

	j->n = n;
	j->name = new_name('j');
	memset(j->text, 2, sizeof(j->text));
	return j;
}

static void end_job(job *j, long n)
{
	CHECK(j->n == n);
	CHECK(j->name[NAME - 1] == 'j');
	delete[] j->name;
	delete j;
}

static void end_order(order *o, long id)
{
	CHECK(o->id == id);
	CHECK(o->name[NAME - 1] == 'o');
	delete[] o->name;
	delete o;
}

/* Of the second half: the first blocks are fenced */
template <class A, class B> static size_t together(A get, B other)
{
	static void *block[NR];
	static uintptr_t others[NR];

	for (size_t i = 0; i < NR; i++) {
		block[i] = get(i);
		others[i] = reinterpret_cast<uintptr_t>(other(i));
	}
	return x_together(block + NR / 2, NR / 2, others, NR);
}

static void places()
{
	x_check_apart(together([](size_t i) { return orders[i]; },
			       [](size_t i) { return jobs[i]; }));
#ifdef CLONED
	x_check_apart(together([](size_t i) { return orders[i]->name; },
			       [](size_t i) { return jobs[i]->name; }));
#endif
}

static bool is_profile;

static void run()
{
	for (long i = 0; i < NR; i++) {
		orders[i] = new_order(i);
		jobs[i] = new_job(i);
	}
	places();
	for (long r = 1; r < ROUNDS; r++)
		for (long i = 0; i < NR; i++) {
			end_job(jobs[i], r * i);
			jobs[i] = new_job((r + 1) * i);
		}
	for (long i = 0; i < NR; i++)
		end_job(jobs[i], ROUNDS * i);
	if (is_profile)
		usleep(1100000);
	x_sound();
	for (long i = 0; i < NR; i++)
		end_order(orders[i], i);
	x_sound();
}

int main(int argc, char **argv)
{
	static const struct x_case cases[] = {
		{ "objects that a profile calls cold", run },
	};

	x_watchdog(X_SECONDS);
	is_profile = argc > 1 && !strcmp(argv[1], "profile");
	if (!is_profile)
		x_expect(argc, argv);
	return X_RUN(cases);
}
