// SPDX-License-Identifier: MIT
/*
 * The size given to operator delete is not the block's: arguments are what was
 * allocated, what is given, and an alignment.
 */
#include <cstdio>
#include <cstdlib>
#include <new>

int main(int argc, char **argv)
{
	std::size_t size = std::strtoul(argv[1], nullptr, 0);
	std::size_t given = std::strtoul(argv[2], nullptr, 0);

	if (argc > 3) {
		auto align = std::align_val_t(std::strtoul(argv[3], nullptr, 0));

		::operator delete(::operator new(size, align), given, align);
		::operator delete[](::operator new[](size, align), given, align);
	} else {
		::operator delete(::operator new(size), given);
		::operator delete[](::operator new[](size), given);
	}
	std::puts("deleted");
	return 0;
}
