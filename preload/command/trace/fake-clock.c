// SPDX-License-Identifier: MIT
/*
 * fake-clock.c - the core's clocks by the names that the linker gives wrapped ones.
 */
#include "fake-clock.h"

static u64 fake_usec;
static bool is_fake;

u64 __real_qn_port_clock(void);
u64 __wrap_qn_port_clock(void);
u64 __real_qn_port_clock_coarse(void);
u64 __wrap_qn_port_clock_coarse(void);
u64 __wrap_qn_port_clock_first(void);

void qn_fake_clock_set(u64 usec)
{
	fake_usec = usec;
	is_fake = true;
}

/* The core asks for the time by these names; the trace's is the same in each run */
u64 __wrap_qn_port_clock(void)
{
	return is_fake ? fake_usec : __real_qn_port_clock();
}

u64 __wrap_qn_port_clock_first(void)
{
	return __wrap_qn_port_clock();
}

u64 __wrap_qn_port_clock_coarse(void)
{
	return is_fake ? fake_usec : __real_qn_port_clock_coarse();
}
