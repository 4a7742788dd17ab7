/* Four threads that take blocks of 16 bytes to 20 KB and free each other's. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *volatile shelf[4096];

static void *work(void *arg)
{
	unsigned int random = (unsigned int)(size_t)arg + 1;

	for (int i = 0; i < 1000000; i++) {
		size_t size = i % 16 ? 16 + random / 64 % 500 :
				       random / 64 % 20000;
		void *p = memset(malloc(size + 1), 1, size / 8 + 1);

		random = random * 1103515245 + 12345;
		free(__atomic_exchange_n(&shelf[random >> 20], p,
					 __ATOMIC_ACQ_REL));
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
