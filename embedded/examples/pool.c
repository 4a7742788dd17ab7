// SPDX-License-Identifier: MIT
/*
 * pool.c - an example of qn_pool: frames on their way from an interrupt to the main
 * loop.
 *
 * A receive interrupt has no time to search and must not fail because a heap is
 * fragmented. So frames have a pool of their own: taking one is a few instructions,
 * the same each time, and what the pool holds is decided once. Received frames and
 * frames to send have the same type, but not the same pool: tx_free(&tx, rx_frame) is
 * an error of the compiler.
 */
#include "print.h"
#include "quern.h"

#define NR_RX 6
#define NR_TX 2

struct frame {
	unsigned char size;
	unsigned char data[60];
};

QN_POOL(rx, struct frame);
QN_POOL(tx, struct frame);

static unsigned char rx_memory[QN_POOL_BYTES(sizeof(struct frame), NR_RX)];
static unsigned char tx_memory[QN_POOL_BYTES(sizeof(struct frame), NR_TX)];

static struct rx rx;
static struct tx tx;

/* What the interrupt has handed over and the main loop has not seen yet */
static struct rx_ref waiting[NR_RX];
static unsigned int nr_waiting, nr_lost;

/* As if a frame had come: its first byte is its number */
static void receive(unsigned int number)
{
	struct rx_ref frame = rx_alloc(&rx);

	if (!frame.at || nr_waiting == NR_RX) {
		rx_free(&rx, frame);
		nr_lost++;
		return;
	}
	frame.at->size = 1;
	frame.at->data[0] = (unsigned char)number;
	waiting[nr_waiting++] = frame;
}

static void answer(struct rx_ref in)
{
	struct tx_ref out = tx_alloc(&tx);

	if (!out.at)
		return;
	out.at->size = 2;
	out.at->data[0] = in.at->data[0];
	out.at->data[1] = '!';
	print("frame %u answered in %u bytes\n", out.at->data[0], out.at->size);
	tx_free(&tx, out);
}

static void serve(void)
{
	for (unsigned int i = 0; i < nr_waiting; i++) {
		answer(waiting[i]);
		rx_free(&rx, waiting[i]);
	}
	nr_waiting = 0;
}

int main(void)
{
	unsigned int number = 0;

	if (rx_init(&rx, rx_memory, sizeof(rx_memory)) ||
	    tx_init(&tx, tx_memory, sizeof(tx_memory)))
		return 1;
	for (unsigned int burst = 2; burst < 10; burst += 3) {
		for (unsigned int i = 0; i < burst; i++)
			receive(number++);
		serve();
	}
	print("%u frames, %u lost; the pool had never fewer than %u free\n",
	      number, nr_lost, (unsigned int)qn_pool_least_free(rx.pool));
	return 0;
}
