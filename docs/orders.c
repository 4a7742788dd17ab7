// SPDX-License-Identifier: MIT
/*
 * orders.c - a small program for README.md: what a compiler knows of its allocations.
 */
#include <stdlib.h>
#include <string.h>

struct order {
	struct order *next;
	char *customer;
	double price;
};

struct prices {
	double *at;
	size_t nr;
	size_t room;
};

static struct order *orders;
static struct prices prices;

static char *copy(const char *text, unsigned char size)
{
	char *to = malloc(size + 1u);

	if (to)
		memcpy(to, text, size + 1u);
	return to;
}

static void add_price(double price)
{
	if (prices.nr == prices.room) {
		prices.room = 2 * prices.room + 8;
		prices.at = realloc(prices.at, prices.room * sizeof(double));
	}
	if (prices.at)
		prices.at[prices.nr++] = price;
}

static void add_order(const char *customer, double price)
{
	struct order *o = malloc(sizeof(*o));

	if (!o)
		return;
	o->customer = copy(customer, (unsigned char)strlen(customer));
	o->price = price;
	o->next = orders;
	orders = o;
	add_price(price);
}

int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		add_order(argv[i], i);
	return 0;
}
