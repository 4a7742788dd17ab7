/* SPDX-License-Identifier: MIT */
/*
 * Weights of policy paper-dqn, made by quern train.
 *
 * quern train 0.1.0, seed 1 of 1 to 1, 400 episodes, 0 lessons, 96 mixes
 * trace cc1, crc32 a1db4d07, 1048576 calls
 * trace cc1plus, crc32 d30d3f3e, 1048576 calls
 * trace documents, crc32 f44f5d0c, 1048576 calls
 * trace dot, crc32 cc5f9c93, 160276 calls
 * trace git-gc, crc32 cebce122, 737912 calls
 * trace gs, crc32 811ef14a, 58921 calls
 * trace jq, crc32 bb1f435e, 1048576 calls
 * trace large, crc32 6b6ff4fa, 1601 calls
 * trace node, crc32 0ac21062, 1048576 calls
 * trace phases, crc32 40202c6f, 1048576 calls
 * trace php, crc32 ae2f7f90, 1048576 calls
 * trace python3, crc32 5abe80de, 1048576 calls
 * trace server, crc32 d21ccf39, 1048576 calls
 * trace service, crc32 c7e1f59c, 1048576 calls
 * trace strings, crc32 f19377c5, 504038 calls
 * trace symbols, crc32 bbcd7b21, 684835 calls
 * trace z3, crc32 6ef4c89a, 236406 calls
 * chooses gawk, crc32 44d82fb3, 1048576 calls
 * chooses lua, crc32 c1fcbf20, 1048576 calls
 * chooses redis, crc32 b5697c49, 1048576 calls
 * chooses xmllint, crc32 41df8e39, 1048576 calls
 * left out git-log, crc32 fb732d3d, 202658 calls
 * left out perl, crc32 0b4a375c, 1048576 calls
 * left out ruby, crc32 0791a452, 1048576 calls
 * left out sqlite3, crc32 a2f8139d, 1048576 calls
 * left out vectors, crc32 6bc8885e, 75717 calls
 * cost over the rule's, learned: 0.9962, excess 0.0021; at 7.5 0.9998, 2 0.9988, 0.75 0.9935, 0.075 0.9926
 * cost over the rule's, left out: 1.0033, excess 0.0157; at 7.5 0.9988, 2 0.9864, 0.75 1.0537, 0.075 0.9760
 */
#ifndef QN_WEIGHTS_PAPER_H
#define QN_WEIGHTS_PAPER_H

#include "learn/policy-paper-dqn.h"

/* clang-format off */
static const s32 qn_weights_paper[QN_PAPER_WEIGHTS] = {
	-16382, -15868, 3814, -14038, 1916, -10697, -11559, -13060,
	-1085, 5864, 3888, -4978, -28967, 22735, -51559, 113191,
	-21548, 6780, -28575, 20986, -44248, 57349, -51143, 121296,
	-16044, -4466, 2235, -13839, -19018, 3882, -22966, 25226,
	-15975, 5658, -4902, -82844, -4883, -92849, -10034, -14310,
	-72755, 6872, -7152, 1810, -53622, -2664, -35929, 1708,
	2830, -66453, -5621, 10468, -13307, -63601, -22818, -96622,
	-10867, -19103, -86358, 9000, -9395, -13068, -79814, -26784,
	-94583, 5855, -2355, -71782, -513, 10654, 14039, -82658,
	-2997, -79991, 1460, -21541, -95050,
};
/* clang-format on */

#endif /* QN_WEIGHTS_PAPER_H */
