// SPDX-License-Identifier: MIT
/*
 * new.cc - operator new and delete, all forms, over qn_board_heap(); for firmware that is
 * compiled without exceptions, and needs no C++ library.
 *
 * The compiler relies on it that the forms without std::nothrow never return NULL: where
 * there is no memory they call qn_board_no_memory() until there is. Each call is between
 * qn_board_lock() and qn_board_unlock(): see glue.h.
 *
 * Compilers that tell types apart call the names with a token (newlib.c): they do as the
 * operators without.
 */
#include "glue.h"
#include "new.h"

/* Where there is a C++ library it has one too, but it need not be linked */
namespace std
{
extern const nothrow_t nothrow __attribute__((weak));
}

const std::nothrow_t std::nothrow{};

/* NULL if there is none; @align as for qn_heap_alloc_aligned() */
static void *try_new(size_t size, size_t align)
{
	struct qn_heap *h;
	void *p = nullptr;

	qn_board_lock();
	h = qn_board_heap();
	if (h && align <= QN_ALIGN)
		p = qn_heap_alloc(h, size);
	else if (h)
		p = qn_heap_alloc_aligned(h, align, size);
	qn_board_unlock();
	return p;
}

static void *must_new(size_t size, size_t align)
{
	void *p;

	while (!(p = try_new(size, align)))
		qn_board_no_memory(size);
	return p;
}

static void end(void *p)
{
	if (!p)
		return;
	qn_board_lock();
	qn_heap_free(qn_board_heap(), p);
	qn_board_unlock();
}

void *operator new(size_t size)
{
	return must_new(size, QN_ALIGN);
}

void *operator new[](size_t size)
{
	return must_new(size, QN_ALIGN);
}

void *operator new(size_t size, std::align_val_t align)
{
	return must_new(size, (size_t)align);
}

void *operator new[](size_t size, std::align_val_t align)
{
	return must_new(size, (size_t)align);
}

void *operator new(size_t size, const std::nothrow_t &) noexcept
{
	return try_new(size, QN_ALIGN);
}

void *operator new[](size_t size, const std::nothrow_t &) noexcept
{
	return try_new(size, QN_ALIGN);
}

void *operator new(size_t size, std::align_val_t align,
		   const std::nothrow_t &) noexcept
{
	return try_new(size, (size_t)align);
}

void *operator new[](size_t size, std::align_val_t align,
		     const std::nothrow_t &) noexcept
{
	return try_new(size, (size_t)align);
}

void operator delete(void *p) noexcept
{
	end(p);
}

void operator delete[](void *p) noexcept
{
	end(p);
}

void operator delete(void *p, size_t) noexcept
{
	end(p);
}

void operator delete[](void *p, size_t) noexcept
{
	end(p);
}

void operator delete(void *p, const std::nothrow_t &) noexcept
{
	end(p);
}

void operator delete[](void *p, const std::nothrow_t &) noexcept
{
	end(p);
}

void operator delete(void *p, std::align_val_t) noexcept
{
	end(p);
}

void operator delete[](void *p, std::align_val_t) noexcept
{
	end(p);
}

void operator delete(void *p, size_t, std::align_val_t) noexcept
{
	end(p);
}

void operator delete[](void *p, size_t, std::align_val_t) noexcept
{
	end(p);
}

void operator delete(void *p, std::align_val_t, const std::nothrow_t &) noexcept
{
	end(p);
}

void operator delete[](void *p, std::align_val_t,
		       const std::nothrow_t &) noexcept
{
	end(p);
}

/* clang-format off */
#define TOKEN(name, params, call)                       \
	extern "C" void *__alloc_token_##name params;   \
	extern "C" void *__alloc_token_##name params    \
	{                                               \
		return call;                            \
	}
#define TOKENS(op)                                                             \
	TOKEN(op, (size_t size, size_t), must_new(size, QN_ALIGN))             \
	TOKEN(op##RKSt9nothrow_t, (size_t size, const std::nothrow_t &, size_t), \
	      try_new(size, QN_ALIGN))                                         \
	TOKEN(op##St11align_val_t, (size_t size, std::align_val_t align, size_t), \
	      must_new(size, (size_t)align))                                   \
	TOKEN(op##St11align_val_tRKSt9nothrow_t,                               \
	      (size_t size, std::align_val_t align, const std::nothrow_t &,    \
	       size_t), try_new(size, (size_t)align))
/* clang-format on */

/* Mangled: size_t is unsigned int here */
TOKENS(_Znwj)
TOKENS(_Znaj)
