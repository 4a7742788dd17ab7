// SPDX-License-Identifier: MIT
/*
 * orders.cc - orders.c in C++.
 */
#include <memory>
#include <vector>

namespace shop
{
struct order {
	order *next;
	long customer;
	double price;
};
} // namespace shop

static std::vector<double> prices;
static shop::order *orders;

int main(int argc, char **)
{
	for (int i = 0; i < argc; i++) {
		orders = new shop::order{ orders, i, 9.5 };
		prices.push_back(orders->price);
	}
	return 0;
}
