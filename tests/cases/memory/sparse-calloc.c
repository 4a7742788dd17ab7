// SPDX-License-Identifier: MIT
/* One byte of 200 MB is written, twenty times: what is resident? */
#include "../../resident.h"

int main(void)
{
	for (int i = 0; i < 20; i++) {
		char *p = calloc(1, 200 << 20);

		p[0] = 1;
		if (i == 0 || i == 19)
			printf("round %d: rss %ld MB\n", i, resident_mb());
		free(p);
	}
	return 0;
}
