/* SPDX-License-Identifier: MIT */
/*
 * new.h - the types of operator new's forms, also where no C++ library is installed.
 */
#ifndef NEW_H
#define NEW_H

#include <stddef.h>

#if __has_include(<new>)
#include <new>
#else
namespace std
{
struct nothrow_t {
	explicit nothrow_t() = default;
};

extern const nothrow_t nothrow;
enum class align_val_t : size_t {
};
} // namespace std

void *operator new(size_t size, std::align_val_t align);
void *operator new[](size_t size, std::align_val_t align);
void *operator new(size_t size, const std::nothrow_t &) noexcept;
void *operator new[](size_t size, const std::nothrow_t &) noexcept;
void *operator new(size_t size, std::align_val_t align,
		   const std::nothrow_t &) noexcept;
void *operator new[](size_t size, std::align_val_t align,
		     const std::nothrow_t &) noexcept;
void operator delete(void *p, const std::nothrow_t &) noexcept;
void operator delete[](void *p, const std::nothrow_t &) noexcept;
void operator delete(void *p, std::align_val_t align) noexcept;
void operator delete[](void *p, std::align_val_t align) noexcept;
void operator delete(void *p, size_t size, std::align_val_t align) noexcept;
void operator delete[](void *p, size_t size, std::align_val_t align) noexcept;
void operator delete(void *p, std::align_val_t align,
		     const std::nothrow_t &) noexcept;
void operator delete[](void *p, std::align_val_t align,
		       const std::nothrow_t &) noexcept;
#endif

#endif /* NEW_H */
