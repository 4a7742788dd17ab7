/* SPDX-License-Identifier: MIT */
/*
 * probe.h - places where tracers may look into a process: USDT probes.
 *
 * A probe is a no-op instruction and a note in the file that tells where its arguments are. So
 * it costs nothing until a tracer (bpftrace, perf, SystemTap) puts a breakpoint there. These
 * are the two of OpenTelemetry's profilers of memory, for sampled objects that are followed
 * to their free (follow.h):
 *
 *	otel_memory:alloc(ptr, size, weight)
 *	otel_memory:free(ptr)
 *
 * weight is the bytes of requests that the object stands for. They come in the order in which an
 * address is handed out and freed; an object that was resized is freed and allocated anew.
 * A build without <sys/sdt.h> has none.
 */
#ifndef QN_PROBE_H
#define QN_PROBE_H

#include "base/compiler.h"

#ifdef QN_HAVE_SDT

#include <sys/sdt.h>

#define qn_probe_alloc(ptr, size, weight) \
	DTRACE_PROBE3(otel_memory, alloc, ptr, size, weight)
#define qn_probe_free(ptr) DTRACE_PROBE1(otel_memory, free, ptr)

#else

#define qn_probe_alloc(ptr, size, weight) \
	((void)(ptr), (void)(size), (void)(weight))
#define qn_probe_free(ptr) ((void)(ptr))

#endif

#endif /* QN_PROBE_H */
