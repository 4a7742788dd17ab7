/* SPDX-License-Identifier: MIT */
/*
 * granules.h - knobs and sizes as `quern tune` writes them for firmware, for tests.
 */
#ifndef GRANULES_H
#define GRANULES_H

#define QN_GRANULES            1
#define QN_GRANULES_KNOBS(K)   K(held_part, 8) K(roomy_part, 5)
#define QN_GRANULES_CLASSES(C) C(24) C(40) C(400)

#endif /* GRANULES_H */
