/* SPDX-License-Identifier: MIT */
/*
 * quern-config.h - knobs of this firmware; lib/base/config.h tells them all.
 */
#define QN_LOCK_IRQ 1
#define QN_GUARD    1
#define QN_NR_ZONES 1
