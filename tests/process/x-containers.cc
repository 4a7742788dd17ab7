// SPDX-License-Identifier: MIT
/*
 * x-containers.cc - quern.hpp: the containers of C++ over heaps, pools and arenas.
 *
 * Invariants:
 *  - a container over quern holds what one over std::allocator holds, after the same steps
 *  - its memory comes from where it was told, and all of a heap's and pool's comes back
 *  - elements lie as their type wants it, also where that is more than QN_ALIGN
 *  - allocators travel with a container that is moved or swapped, not with copies of elements
 *  - equal means the same memory
 *  - failure is std::bad_alloc, and leaves container and heap as they were
 *  - malloc is not asked, and stays that of the C library
 */
#include <deque>
#include <dlfcn.h>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "quern.hpp"
#include "x.h"

/* Nothing here may come from operator new: it counts */
static size_t nr_new;

void *operator new(size_t size)
{
	nr_new++;
	return malloc(size ? size : 1);
}

void operator delete(void *p) noexcept
{
	free(p);
}

void operator delete(void *p, size_t) noexcept
{
	free(p);
}

/* A heap in memory of its own, whole again at the end */
class Heap
{
      public:
	Heap() : at(qn_heap_init(memory_, sizeof(memory_)))
	{
		CHECK(at);
	}

	~Heap()
	{
		CHECK(nr_live() == 0);
		CHECK(qn_heap_check(at) == 0);
	}

	bool has(const void *p) const
	{
		const unsigned char *c = static_cast<const unsigned char *>(p);

		return c >= memory_ && c < memory_ + sizeof(memory_);
	}

	size_t nr_live() const
	{
		qn_stats st;

		CHECK(qn_heap_stats(at, &st) == 0);
		return st.nr_live;
	}

      private:
	alignas(64) unsigned char memory_[512 << 10];

      public:
	qn_heap *const at;
};

static uint32_t draw(uint32_t &state)
{
	state = state * 1664525u + 1013904223u;
	return state >> 16;
}

template <class T> using over_heap = quern::allocator<T>;

static std::string text_of(uint32_t n)
{
	return std::string(n % 60, 'a' + n % 26) + std::to_string(n);
}

using text = std::basic_string<char, std::char_traits<char>, over_heap<char> >;

static text text_in(qn_heap *h, uint32_t n)
{
	std::string s = text_of(n);

	return text(s.begin(), s.end(), h);
}

/* The same steps for both: grow, shrink, insert in the middle */
template <class Sequence, class Value>
static void play(Sequence &s, Value value, uint32_t seed)
{
	for (int i = 0; i < 1500; i++) {
		uint32_t n = draw(seed);
		size_t at = s.empty() ? 0 : n % s.size();

		if (n % 8 < 5)
			s.insert(std::next(s.begin(), at), value(n));
		else if (n % 8 < 7 && !s.empty())
			s.erase(std::next(s.begin(), at));
		else if (n % 97 == 0)
			s.resize(s.size() / 2, value(0));
	}
}

template <class A, class B> static bool same(const A &a, const B &b)
{
	return a.size() == b.size() &&
	       std::equal(a.begin(), a.end(), b.begin());
}

template <template <class, class> class Sequence> static void sequence()
{
	Heap heap;
	auto number = [](uint32_t n) { return n; };
	size_t before;

	{
		Sequence<uint32_t, over_heap<uint32_t> > ours(heap.at);
		Sequence<uint32_t, std::allocator<uint32_t> > theirs;

		before = nr_new;
		play(ours, number, 1);
		CHECK(nr_new == before);
		CHECK(heap.nr_live() > 0);
		CHECK(heap.has(&ours.front()));
		play(theirs, number, 1);
		CHECK(!ours.empty() && same(ours, theirs));
	}
	CHECK(heap.nr_live() == 0);
}

static void sequences()
{
	sequence<std::vector>();
	sequence<std::deque>();
	sequence<std::list>();
}

/* Strings in a vector: both take from the same heap */
static void strings()
{
	Heap heap;
	std::vector<text, over_heap<text> > ours(heap.at);
	std::vector<std::string> theirs;

	play(
		ours, [&](uint32_t n) { return text_in(heap.at, n); }, 2);
	play(theirs, text_of, 2);
	CHECK(ours.size() == theirs.size());
	for (size_t i = 0; i < ours.size(); i++) {
		CHECK(ours[i] == theirs[i].c_str());
		CHECK(ours[i].size() < 16 || heap.has(ours[i].data()));
	}
}

template <class Map, class Plain> static void map_like(qn_heap *h)
{
	using pair = typename Map::value_type;
	Map ours{ over_heap<pair>(h) };
	Plain theirs;
	uint32_t seed = 3;

	for (int i = 0; i < 3000; i++) {
		uint32_t n = draw(seed), key = n % 500;

		if (n % 3) {
			ours[key] = n;
			theirs[key] = n;
		} else {
			CHECK(ours.erase(key) == theirs.erase(key));
		}
	}
	CHECK(ours.size() == theirs.size());
	for (const auto &entry : theirs)
		CHECK(ours.at(entry.first) == entry.second);
}

static void maps()
{
	using pair = std::pair<const uint32_t, uint32_t>;
	Heap heap;
	size_t before;

	map_like<std::map<uint32_t, uint32_t, std::less<uint32_t>,
			  over_heap<pair> >,
		 std::map<uint32_t, uint32_t> >(heap.at);
	map_like<std::unordered_map<uint32_t, uint32_t, std::hash<uint32_t>,
				    std::equal_to<uint32_t>, over_heap<pair> >,
		 std::unordered_map<uint32_t, uint32_t> >(heap.at);
	before = nr_new;
	{
		std::set<int, std::less<int>, over_heap<int> > set(heap.at);

		for (int i = 0; i < 100; i++)
			set.insert(i * 7 % 101);
		CHECK(set.size() == 100 && *set.rbegin() == 100);
	}
	CHECK(nr_new == before);
}

static void shared()
{
	Heap heap;
	size_t before = nr_new;
	auto p = std::allocate_shared<std::pair<int, long> >(
		over_heap<char>(heap.at), 1, 2);

	CHECK(nr_new == before && heap.has(p.get()));
	CHECK(p->first == 1 && p->second == 2);
}

/* ---- std::pmr ---- */

static void resources()
{
	Heap heap;
	quern::heap_resource resource(heap.at);
	size_t before = nr_new;

	{
		std::pmr::vector<std::pmr::string> words(&resource);
		std::pmr::unordered_map<int, std::pmr::string> map(&resource);
		std::pmr::deque<int> deque(&resource);
		std::pmr::list<std::pmr::vector<int> > lists(&resource);

		for (int i = 0; i < 500; i++) {
			words.emplace_back("a text that is longer than what "
					   "fits inside");
			map[i] = words.back();
			deque.push_front(i);
			lists.emplace_back(10, i);
		}
		CHECK(heap.has(&words[0]) && heap.has(words[499].data()));
		CHECK(heap.has(map[7].data()) && map[7] == words[8]);
		CHECK(heap.has(&deque[100]) && deque[100] == 399);
		CHECK(heap.has(lists.back().data()));
		CHECK(lists.back()[9] == 499);
	}
	CHECK(nr_new == before);
}

/* Counts what passes */
class Counter : public std::pmr::memory_resource
{
      public:
	size_t nr = 0, live = 0;

      private:
	void *do_allocate(size_t size, size_t align) override
	{
		nr++;
		live += size;
		return std::pmr::new_delete_resource()->allocate(size, align);
	}

	void do_deallocate(void *p, size_t size, size_t align) override
	{
		live -= size;
		std::pmr::new_delete_resource()->deallocate(p, size, align);
	}

	bool do_is_equal(const memory_resource &other) const noexcept override
	{
		return this == &other;
	}
};

static bool lies_in(const void *p, const void *start, size_t size)
{
	uintptr_t at = reinterpret_cast<uintptr_t>(p);

	return at - reinterpret_cast<uintptr_t>(start) < size;
}

/* Nodes are buffers; what is no buffer goes upstream, and back there */
static void pools()
{
	static unsigned char memory[QN_POOL_BYTES(64, 300)];
	qn_pool *pool = qn_pool_init(memory, sizeof(memory), 64);
	size_t nr = qn_pool_nr(pool);
	Counter upstream;
	quern::pool_resource resource(pool, &upstream);

	{
		std::pmr::list<int> list(&resource);
		std::pmr::unordered_map<int, int> map(&resource);

		for (int i = 0; i < 100; i++)
			list.push_back(i);
		CHECK(upstream.nr == 0);
		CHECK(lies_in(&list.front(), memory, sizeof(memory)));
		CHECK(qn_pool_nr_free(pool) == nr - 100);
		for (int i = 0; i < 100; i++)
			map[i] = i;
		CHECK(upstream.nr > 0 && upstream.live > 0);
		CHECK(lies_in(&map[5], memory, sizeof(memory)));
		/* Buffers of 64 bytes are aligned to QN_ALIGN, no more */
		void *wide = resource.allocate(32, 64);

		CHECK(!lies_in(wide, memory, sizeof(memory)));
		resource.deallocate(wide, 32, 64);
	}
	CHECK(upstream.live == 0);
	CHECK(qn_pool_nr_free(pool) == nr);
	{
		std::map<int, int, std::less<int>,
			 quern::allocator<std::pair<const int, int>, qn_pool> >
			map(pool);

		for (int i = 0; i < 200; i++)
			map[i * 3] = i;
		CHECK(map.size() == 200 && map[300] == 100);
		CHECK(qn_pool_nr_free(pool) == nr - 200);
	}
	CHECK(qn_pool_nr_free(pool) == nr);
}

/* In order, without gaps; nothing goes back before the arena does */
static void arenas()
{
	Heap heap;
	qn_arena arena;

	qn_arena_init_heap(&arena, heap.at, 4000);
	quern::arena_resource resource(&arena);
	{
		std::pmr::map<int, std::pmr::string> tree(&resource);
		std::vector<char, quern::allocator<char, qn_arena> > bytes(
			&arena);

		for (int i = 0; i < 300; i++)
			tree[i] = std::pmr::string(40, 'a' + i % 26);
		CHECK(heap.has(tree[20].data()) && tree[20][39] == 'u');
		bytes.assign(1000, 'x');
		CHECK(heap.has(bytes.data()));
	}
	CHECK(heap.nr_live() > 0);
	char *p = static_cast<char *>(resource.allocate(3, 1));
	char *q = static_cast<char *>(resource.allocate(3, 1));

	CHECK(q == p + 3);
	resource.deallocate(q, 3, 1);
	qn_arena_reset(&arena);
}

/* ---- alignment ---- */

template <size_t align> struct alignas(align) Wide
{
	unsigned char bytes[align];
};

template <class T> static bool is_aligned(const T *p)
{
	return reinterpret_cast<uintptr_t>(p) % alignof(T) == 0;
}

template <class T> static void over_aligned()
{
	Heap heap;
	quern::heap_resource resource(heap.at);
	qn_arena arena;

	qn_arena_init_heap(&arena, heap.at, 2000);
	{
		std::vector<T, over_heap<T> > vector(heap.at);
		std::list<T, over_heap<T> > list(heap.at);
		std::pmr::vector<T> pmr(&resource);
		std::vector<T, quern::allocator<T, qn_arena> > in_arena(&arena);

		for (int i = 0; i < 20; i++) {
			vector.emplace_back();
			list.emplace_back();
			pmr.emplace_back();
			in_arena.emplace_back();
			/* So that nothing lies right by chance */
			x_keep(qn_arena_alloc_aligned(&arena, 1, 1));
			CHECK(is_aligned(vector.data()));
			CHECK(is_aligned(&list.back()));
			CHECK(is_aligned(pmr.data()));
			CHECK(is_aligned(in_arena.data()));
		}
	}
	qn_arena_reset(&arena);
}

static void alignments()
{
	over_aligned<Wide<8> >();
	over_aligned<Wide<32> >();
	over_aligned<Wide<64> >();
	over_aligned<Wide<1024> >();
}

/* ---- equality, and which way allocators go ---- */

static void equality()
{
	Heap a, b;
	over_heap<int> in_a(a.at), in_b(b.at);
	over_heap<std::string> other_type(in_a);
	quern::heap_resource one(a.at), same(a.at), other(b.at);
	Counter counter;
	unsigned char memory[QN_POOL_BYTES(8, 4)];
	qn_pool *pool = qn_pool_init(memory, sizeof(memory), 8);
	quern::pool_resource plain(pool), with(pool, &counter);

	CHECK(in_a == over_heap<int>(a.at) && in_a != in_b);
	CHECK(other_type == in_a && other_type.of() == a.at);
	CHECK(one.is_equal(one) && one.is_equal(same) && !(one != same));
	CHECK(!one.is_equal(other));
	CHECK(!one.is_equal(counter) && !one.is_equal(plain));
	/* What a pool does not serve would come from elsewhere */
	CHECK(!plain.is_equal(with));

	using traits = std::allocator_traits<over_heap<int> >;
	static_assert(!traits::is_always_equal::value, "they have a heap");
	static_assert(traits::propagate_on_container_move_assignment::value,
		      "moved with");
	static_assert(traits::propagate_on_container_swap::value, "swapped");
	static_assert(!traits::propagate_on_container_copy_assignment::value,
		      "copies stay");
	CHECK(traits::select_on_container_copy_construction(in_a) == in_a);
	static_assert(std::is_same<traits::rebind_alloc<long>,
				   over_heap<long> >::value,
		      "the same of another type");
}

static void propagation()
{
	Heap a, b;
	using vector = std::vector<int, over_heap<int> >;
	vector in_a(100, 1, a.at), in_b(50, 2, b.at);
	const int *data = in_a.data();

	/* A copy lies beside what it is of; elements that are assigned do not move it */
	vector copy(in_a);
	CHECK(copy.get_allocator().of() == a.at && a.has(copy.data()));
	in_b = in_a;
	CHECK(in_b.get_allocator().of() == b.at && b.has(in_b.data()));
	CHECK(in_b == in_a);

	in_b.assign(50, 2);
	in_a.swap(in_b);
	CHECK(in_b.data() == data && in_b.get_allocator().of() == a.at);
	CHECK(b.has(in_a.data()) && in_a.size() == 50);

	in_a = std::move(in_b);
	CHECK(in_a.data() == data && in_a.get_allocator().of() == a.at);
	CHECK(b.nr_live() == 0);
	static_assert(std::is_nothrow_move_assignable<vector>::value,
		      "no element is moved");

	/* Into another heap, element by element */
	vector moved(std::move(in_a), over_heap<int>(b.at));
	CHECK(b.has(moved.data()) && moved.size() == 100 && moved[99] == 1);
}

/* ---- failure ---- */

template <class Failure, class Call> static bool throws(Call call)
{
	try {
		call();
	} catch (const Failure &e) {
		return e.what() != nullptr;
	}
	return false;
}

static void failure()
{
	Heap heap;
	static unsigned char memory[QN_POOL_BYTES(32, 10)];
	qn_pool *pool = qn_pool_init(memory, sizeof(memory), 32);
	quern::heap_resource resource(heap.at), none(nullptr);
	quern::pool_resource buffers(pool);
	std::vector<int, over_heap<int> > v(1000, 7, heap.at);
	size_t nr_live = heap.nr_live(), nr = 0;

	CHECK(throws<std::bad_alloc>([&] { v.resize(1 << 20); }));
	CHECK(v.size() == 1000 && v[999] == 7);
	CHECK(throws<std::bad_alloc>(
		[&] { x_keep(resource.allocate(x_size(SIZE_MAX), 1)); }));
	CHECK(throws<std::bad_alloc>([&] { x_keep(none.allocate(1, 1)); }));
	CHECK(throws<std::bad_alloc>(
		[] { x_keep(over_heap<int>(nullptr).allocate(1)); }));
	CHECK(throws<std::bad_array_new_length>([&] {
		x_keep(over_heap<long>(heap.at).allocate(x_size(SIZE_MAX / 2)));
	}));
	CHECK(heap.nr_live() == nr_live);
	CHECK(qn_heap_check(heap.at) == 0);

	/* Every single one must come back when the last one fails */
	CHECK(throws<std::bad_alloc>([&] {
		std::list<int, over_heap<int> > list(heap.at);

		for (;; nr++)
			list.push_back(0);
	}));
	CHECK(nr > 1000 && heap.nr_live() == nr_live);

	/* No buffer is large enough; then none is left */
	CHECK(throws<std::bad_alloc>([&] { x_keep(buffers.allocate(33, 1)); }));
	CHECK(throws<std::bad_alloc>([&] {
		x_keep(quern::allocator<int, qn_pool>(pool).allocate(9));
	}));
	nr = 0;
	CHECK(throws<std::bad_alloc>([&] {
		std::pmr::list<int> list(&buffers);

		for (;; nr++)
			list.push_back(0);
	}));
	CHECK(nr == qn_pool_nr(pool) && qn_pool_nr_free(pool) == nr);
}

/* Of the library that the test is linked with malloc is none */
static void malloc_is_of_libc()
{
	Dl_info info;

	CHECK(dladdr(x_keep(reinterpret_cast<void *>(malloc)), &info));
	CHECK(strstr(info.dli_fname, "libc.so"));
	CHECK(!dlsym(RTLD_DEFAULT, "qn_malloc"));
}

static const struct x_case cases[] = {
	{ "sequences", sequences },
	{ "strings in a vector", strings },
	{ "maps and sets", maps },
	{ "allocate_shared", shared },
	{ "std::pmr over a heap", resources },
	{ "over a pool, and what does not fit", pools },
	{ "over an arena", arenas },
	{ "types that want more than QN_ALIGN", alignments },
	{ "equality and traits", equality },
	{ "copies, moves, swaps", propagation },
	{ "failure", failure },
	{ "malloc stays the C library's", malloc_is_of_libc },
};

int main()
{
	x_watchdog(X_SECONDS);
	return x_run(cases, sizeof(cases) / sizeof(*cases));
}
