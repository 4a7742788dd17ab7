/* SPDX-License-Identifier: MIT */
/**
 * DOC: quern.hpp - the containers of C++ over memory of your own
 *
 * A std::pmr::memory_resource and an allocator over a heap (qn_heap), a pool (qn_pool) or an
 * arena (qn_arena) of quern.h. All of it is in this header, for C++17 and later:
 *
 *	quern::heap_resource, pool_resource, arena_resource	for std::pmr's containers
 *	quern::allocator<T>, allocator<T, qn_pool>, allocator<T, qn_arena>	for all others
 *
 * Both hold a pointer and own nothing: heap, pool or arena must outlive all containers over it.
 * NULL stands for one without memory. So the result of qn_heap_init() need not be looked at.
 *
 * Failure is std::bad_alloc, or std::bad_array_new_length for a length that no size can have.
 * Where the compiler has no exceptions (-fno-exceptions), it is std::abort(). Resources are
 * there if the C++ library has <memory_resource>.
 *
 * Threads: a heap and a pool have a lock; an arena belongs to one thread at a time.
 */
#ifndef QUERN_HPP
#define QUERN_HPP

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

#if defined(__has_include) && __has_include(<memory_resource>)
#include <memory_resource>
#endif

#include "quern.h"

namespace quern
{

/**
 * struct source - how memory comes from an @Of, and goes back
 * @serves:	may a request ever be served: by its bytes and alignment alone
 * @alloc:	a block for such a request, or NULL
 * @free:	takes it back
 *
 * Specialise it for a source of your own: resource and allocator ask for no more.
 */
template <class Of> struct source;

template <> struct source<qn_heap> {
	static bool serves(qn_heap *, std::size_t, std::size_t) noexcept
	{
		return true;
	}

	static void *alloc(qn_heap *h, std::size_t size,
			   std::size_t align) noexcept
	{
		return align > QN_ALIGN ?
			       qn_heap_alloc_aligned(h, align, size) :
			       qn_heap_alloc(h, size);
	}

	static void free(qn_heap *h, void *p) noexcept
	{
		qn_heap_free(h, p);
	}
};

/* A buffer, whatever the request needs of it */
template <> struct source<qn_pool> {
	static bool serves(qn_pool *pool, std::size_t size,
			   std::size_t align) noexcept
	{
		std::size_t osize = qn_pool_osize(pool);

		return size <= osize &&
		       align <= (osize % QN_ALIGN ? sizeof(void *) : QN_ALIGN);
	}

	static void *alloc(qn_pool *pool, std::size_t, std::size_t) noexcept
	{
		return qn_pool_alloc(pool);
	}

	static void free(qn_pool *pool, void *p) noexcept
	{
		qn_pool_free(pool, p);
	}
};

/* Nothing goes back by itself: qn_arena_reset() and qn_arena_release() take all at once */
template <> struct source<qn_arena> {
	static bool serves(qn_arena *, std::size_t, std::size_t) noexcept
	{
		return true;
	}

	static void *alloc(qn_arena *a, std::size_t size,
			   std::size_t align) noexcept
	{
		return qn_arena_alloc_aligned(a, align, size);
	}

	static void free(qn_arena *, void *) noexcept
	{
	}
};

namespace detail
{

template <class Failure> [[noreturn]] inline void fail()
{
#ifdef __cpp_exceptions
	throw Failure();
#else
	std::abort();
#endif
}

template <class Of>
inline bool serves(Of *of, std::size_t size, std::size_t align) noexcept
{
	return of && source<Of>::serves(of, size, align);
}

/* From an @Of that serves such requests */
template <class Of>
inline void *take(Of *of, std::size_t size, std::size_t align)
{
	void *p = source<Of>::alloc(of, size, align);

	if (!p)
		fail<std::bad_alloc>();
	return p;
}

} // namespace detail

/**
 * class allocator - gives a container the memory of an @Of
 * @T:		of the elements
 * @Of:		qn_heap, qn_pool or qn_arena
 *
 * Two are equal if they have the same @Of. A container that is moved or swapped takes its
 * allocator along, in constant time. One that is assigned a copy stays where it is; one that
 * is constructed as a copy lies where the other does.
 *
 * A pool has single elements alone: of lists, maps and sets. Their nodes are larger than an
 * element, by three pointers and more.
 */
template <class T, class Of = qn_heap> class allocator
{
      public:
	using value_type = T;
	using is_always_equal = std::false_type;
	using propagate_on_container_copy_assignment = std::false_type;
	using propagate_on_container_move_assignment = std::true_type;
	using propagate_on_container_swap = std::true_type;

	/* Not explicit: std::vector<int, quern::allocator<int>> v(heap) */
	allocator(Of *of) noexcept : of_(of)
	{
	}

	template <class U>
	allocator(const allocator<U, Of> &other) noexcept : of_(other.of())
	{
	}

	[[nodiscard]] T *allocate(std::size_t n)
	{
		if (n > std::numeric_limits<std::size_t>::max() / sizeof(T))
			detail::fail<std::bad_array_new_length>();
		if (!detail::serves(of_, n * sizeof(T), alignof(T)))
			detail::fail<std::bad_alloc>();
		return static_cast<T *>(
			detail::take(of_, n * sizeof(T), alignof(T)));
	}

	void deallocate(T *p, std::size_t) noexcept
	{
		source<Of>::free(of_, p);
	}

	/** of() - the heap, pool or arena */
	Of *of() const noexcept
	{
		return of_;
	}

      private:
	Of *of_;
};

template <class T, class U, class Of>
bool operator==(const allocator<T, Of> &a, const allocator<U, Of> &b) noexcept
{
	return a.of() == b.of();
}

template <class T, class U, class Of>
bool operator!=(const allocator<T, Of> &a, const allocator<U, Of> &b) noexcept
{
	return !(a == b);
}

#ifdef __cpp_lib_memory_resource

/**
 * class resource - the memory of an @Of for std::pmr's containers
 * @Of:		qn_heap, qn_pool or qn_arena
 *
 * Requests that @Of can never serve go to another resource. Of these three a pool alone has
 * such requests: what is larger than a buffer, or needs another alignment. A request that fails
 * because all buffers are taken does not go there.
 *
 * Two are equal if they have the same @Of and the same other resource. Without RTTI (-fno-rtti)
 * each is equal to itself alone.
 */
template <class Of> class resource : public std::pmr::memory_resource
{
      public:
	/**
	 * resource() - over what is there
	 * @of:		NULL: all requests go to @upstream
	 * @upstream:	for requests that @of can never serve; by default they fail
	 */
	explicit resource(Of *of,
			  std::pmr::memory_resource *upstream =
				  std::pmr::null_memory_resource()) noexcept
	    : of_(of),
	      upstream_(upstream)
	{
	}

	/** of() - the heap, pool or arena */
	Of *of() const noexcept
	{
		return of_;
	}

      private:
	void *do_allocate(std::size_t size, std::size_t align) override
	{
		if (!detail::serves(of_, size, align))
			return upstream_->allocate(size, align);
		return detail::take(of_, size, align);
	}

	void do_deallocate(void *p, std::size_t size,
			   std::size_t align) override
	{
		if (detail::serves(of_, size, align))
			source<Of>::free(of_, p);
		else
			upstream_->deallocate(p, size, align);
	}

	bool do_is_equal(
		const std::pmr::memory_resource &other) const noexcept override
	{
#ifdef __cpp_rtti
		const resource *r = dynamic_cast<const resource *>(&other);

		return r && r->of_ == of_ && *r->upstream_ == *upstream_;
#else
		return this == &other;
#endif
	}

	Of *of_;
	std::pmr::memory_resource *upstream_;
};

using heap_resource = resource<qn_heap>;
using pool_resource = resource<qn_pool>;
using arena_resource = resource<qn_arena>;

#endif /* __cpp_lib_memory_resource */

} // namespace quern

#endif /* QUERN_HPP */
