// SPDX-License-Identifier: MIT
/*
 * trouble.cc - the programs of faults.sh that are our own.
 *
 *	trouble work	four threads fill maps, strings and vectors. A request that is refused is
 *			made again; the sums that are printed are always the same
 *	trouble fill	blocks are taken until a request is refused, given back, and taken again
 *	trouble maps	the same where the process has all mappings that it may have
 *	trouble lives	10 000 lives of threads
 *	trouble cancel	threads are cancelled: between calls of malloc(), never within one
 *	trouble forks	a process forks whose threads are in malloc() and in stdio
 *	trouble signals	signals arrive anywhere in malloc(); their handlers touch errno and the stack
 *
 * Exit status: 0 with the right output; 3 with "out of memory" where a refusal lasts; 1 with
 * what is wrong.
 */
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <vector>

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../resident.h"

namespace
{

/* A refusal that lasts so many attempts is no passing one */
constexpr unsigned int nr_attempts = 100;

[[noreturn]] void wrong(const char *what)
{
	dprintf(STDERR_FILENO, "trouble: %s\n", what);
	_exit(1);
}

[[noreturn]] void give_up()
{
	dprintf(STDERR_FILENO, "trouble: out of memory\n");
	_exit(3);
}

/* Hides from the compiler that nobody needs the block */
void *keep(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* Blocks of all kinds, filled, checked and freed */
void churn(unsigned int seed, unsigned int nr)
{
	unsigned char *slots[32] = {};
	std::size_t sizes[32] = {};

	for (unsigned int i = 0; i < nr + 32; i++) {
		unsigned int k = i % 32;
		std::size_t size = i * 7919u % (i % 64 ? 900 : 90000) + 1;

		if (slots[k] && (slots[k][0] != (k ^ seed % 256) ||
				 slots[k][sizes[k] - 1] != (k ^ seed % 256)))
			wrong("a byte of a block has changed");
		std::free(slots[k]);
		slots[k] = i < nr ? static_cast<unsigned char *>(
					    keep(std::malloc(size))) :
				    nullptr;
		sizes[k] = size;
		if (slots[k])
			std::memset(slots[k], static_cast<int>(k ^ seed % 256),
				    size);
	}
}

/* ---- work ---- */

/* Without its own memory, so that what was refused can be done again from the start */
template <typename F> auto insist(F f) -> decltype(f())
{
	for (unsigned int i = 0; i < nr_attempts; i++) {
		try {
			return f();
		} catch (const std::bad_alloc &) {
			sched_yield();
		}
	}
	give_up();
}

/* The same sum for the same number, whatever happens meanwhile */
std::uint64_t sum_of(unsigned int salt)
{
	std::map<unsigned int, std::string> map;
	std::vector<std::vector<char> > rows;
	std::uint64_t sum = 0;

	for (unsigned int i = 0; i < 4000; i++) {
		unsigned int key = (i * 2654435761u ^ salt) % 509;
		auto &text = map[key];

		text.append(i % 40, static_cast<char>('a' + i % 26));
		if (i % 16 == 0)
			rows.emplace_back(i * 97 % 60000, static_cast<char>(i));
		if (rows.size() > 24)
			rows.erase(rows.begin() + i % 24);
		if (i % 64 == 0)
			map.erase(map.begin());
	}
	for (const auto &[key, text] : map)
		for (char c : text)
			sum = sum * 31 + key + static_cast<unsigned char>(c);
	for (const auto &row : rows)
		for (char c : row)
			sum = sum * 33 + static_cast<unsigned char>(c);
	return sum;
}

/* A block that grows to 12 MB, in part where it is */
std::uint64_t grow()
{
	std::uint64_t sum = 0;
	std::size_t size = 1000;
	unsigned char *p = nullptr;

	for (; size < 12000000; size += size / 2) {
		auto *q = static_cast<unsigned char *>(std::realloc(p, size));

		if (!q) {
			std::free(p);
			throw std::bad_alloc();
		}
		p = q;
		p[size - 1] = static_cast<unsigned char>(size);
	}
	for (std::size_t end = 1000; end < size; end += end / 2)
		sum = sum * 31 + p[end - 1];
	std::free(p);
	return sum;
}

constexpr unsigned int nr_threads = 4;

struct job {
	unsigned int salt;
	std::uint64_t sum;
};

void *do_job(void *arg)
{
	auto *j = static_cast<job *>(arg);

	j->sum = insist([j] { return sum_of(j->salt); });
	j->sum += insist(grow);
	return nullptr;
}

int work()
{
	job jobs[nr_threads] = {};
	pthread_t threads[nr_threads];

	for (unsigned int i = 0; i < nr_threads; i++) {
		jobs[i].salt = i * 77;
		/* A thread that is refused: its work is done here */
		if (pthread_create(&threads[i], nullptr, do_job, &jobs[i])) {
			threads[i] = pthread_self();
			do_job(&jobs[i]);
		}
	}
	for (pthread_t t : threads)
		if (!pthread_equal(t, pthread_self()))
			pthread_join(t, nullptr);
	for (const job &j : jobs)
		std::printf("%016llx\n",
			    static_cast<unsigned long long>(j.sum));
	return 0;
}

/* ---- lives ---- */

void *live(void *arg)
{
	churn(static_cast<unsigned int>(reinterpret_cast<std::uintptr_t>(arg)),
	      40);
	return keep(std::malloc(100));
}

void lives_of(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i += nr_threads) {
		pthread_t t[nr_threads];
		void *left;

		for (unsigned int k = 0; k < nr_threads; k++)
			if (pthread_create(&t[k], nullptr, live,
					   reinterpret_cast<void *>(
						   std::uintptr_t(i + k))))
				give_up();
		for (pthread_t thread : t) {
			pthread_join(thread, &left);
			std::free(left);
		}
	}
}

/* Nothing of a thread stays, so that 9500 more need no more memory */
int lives()
{
	std::size_t before;

	lives_of(500);
	before = resident();
	lives_of(9500);
	if (resident() > before + (4 << 20))
		wrong("threads that are over have left memory behind");
	std::puts("right");
	return 0;
}

/* ---- fill, maps ---- */

constexpr unsigned int nr_blocks = 400000;
void *blocks[nr_blocks];

/* Return: blocks that were served before a request was refused */
unsigned int take(std::size_t size, bool touch)
{
	unsigned int n = 0;

	while (n < nr_blocks) {
		errno = 0;
		blocks[n] = keep(std::malloc(size));
		if (!blocks[n])
			break;
		if (touch)
			std::memset(blocks[n], 1, size);
		n++;
	}
	if (n < nr_blocks && errno != ENOMEM)
		wrong("a refused request left another errno than ENOMEM");
	return n;
}

void give_back(unsigned int n)
{
	while (n--)
		std::free(blocks[n]);
}

/* Taken to the end, each size twice: as many the second time, but for what rests in between */
int fill()
{
	for (std::size_t size : { 1000000u, 50000u, 2000u }) {
		unsigned int n = take(size, false), again;

		if (n == nr_blocks)
			wrong("nothing was refused");
		give_back(n);
		again = take(size, false);
		give_back(again);
		if (again + 2 < n)
			wrong("memory that was freed is not served again");
		churn(1, 5000);
	}
	std::puts("right");
	return 0;
}

/* Neighbours of different kinds, which the kernel cannot put together */
int maps()
{
	constexpr std::size_t page = 65536, nr = 140000;
	char *all = static_cast<char *>(
		mmap(nullptr, page * nr, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	std::size_t i = 0;
	void *left;
	pthread_t t;

	if (all == MAP_FAILED)
		give_up();
	churn(2, 1000);
	while (i < nr && !mprotect(all + i * page, page, PROT_READ))
		i += 2;
	if (i >= nr)
		wrong("there is no limit of mappings");
	/* What is there is served and freed; what is not is refused */
	churn(3, 20000);
	for (std::size_t size : { 2000000u, 50000u, 900u }) {
		unsigned int n = 0;

		while (n < 300 && (blocks[n] = keep(std::malloc(size)))) {
			std::memset(blocks[n], 1, size);
			n++;
		}
		give_back(n);
	}
	/* A thread may be refused as well */
	if (!pthread_create(&t, nullptr, live, nullptr)) {
		pthread_join(t, &left);
		std::free(left);
	}
	munmap(all, page * nr);
	for (unsigned int n = 0; n < 64; n++)
		if (!(blocks[n] = keep(std::malloc(1000000))))
			wrong("not served when mappings could be had again");
	give_back(64);
	std::puts("right");
	return 0;
}

/* ---- cancel ---- */

struct victim {
	void *block;
	bool is_whole;
};

void on_cancel(void *arg)
{
	std::free(static_cast<victim *>(arg)->block);
}

/* Asked to end at once, it must come as far as the next point of cancellation */
void *be_cancelled(void *arg)
{
	auto *v = static_cast<victim *>(arg);

	v->block = keep(std::malloc(3000));
	pthread_cleanup_push(on_cancel, v);
	pthread_cancel(pthread_self());
	churn(5, 400);
	v->is_whole = true;
	for (;;)
		pthread_testcancel();
	pthread_cleanup_pop(0);
	return nullptr;
}

/* As long as it likes to, until another thread wants it to end */
void *churn_on(void *)
{
	for (;;) {
		churn(6, 20);
		pthread_testcancel();
	}
}

int cancel()
{
	for (unsigned int i = 0; i < 2000; i++) {
		victim v = { nullptr, false };
		pthread_t a, b;
		void *result;

		if (pthread_create(&a, nullptr, be_cancelled, &v) ||
		    pthread_create(&b, nullptr, churn_on, nullptr))
			give_up();
		pthread_cancel(b);
		pthread_join(a, &result);
		if (result != PTHREAD_CANCELED || !v.is_whole)
			wrong("a thread was cancelled within malloc()");
		pthread_join(b, &result);
	}
	churn(7, 5000);
	std::puts("right");
	return 0;
}

/* ---- forks ---- */

volatile bool is_over;
std::FILE *sink;

void *allocate_on(void *)
{
	while (!is_over)
		churn(8, 200);
	return nullptr;
}

void *print_on(void *)
{
	while (!is_over) {
		char *line = nullptr;

		if (asprintf(&line, "%d %s", 7, "lines") > 0)
			std::fprintf(sink, "%s %g\n", line, 1.5);
		std::free(line);
		std::fflush(sink);
	}
	return nullptr;
}

void be_child()
{
	pthread_t t;

	churn(9, 300);
	std::fprintf(sink, "a child %g\n", 2.5);
	if (!pthread_create(&t, nullptr, live, nullptr)) {
		void *left;

		pthread_join(t, &left);
		std::free(left);
	}
	std::fflush(sink);
	_exit(7);
}

int forks()
{
	pthread_t threads[nr_threads];
	int status;

	sink = std::fopen("/dev/null", "we");
	for (unsigned int i = 0; i < nr_threads; i++)
		if (pthread_create(&threads[i], nullptr,
				   i % 2 ? print_on : allocate_on, nullptr))
			give_up();
	for (unsigned int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (!pid)
			be_child();
		if (pid < 0 || waitpid(pid, &status, 0) != pid ||
		    !WIFEXITED(status) || WEXITSTATUS(status) != 7)
			wrong("a child did not come to its end");
	}
	is_over = true;
	for (pthread_t t : threads)
		pthread_join(t, nullptr);
	std::puts("right");
	return 0;
}

/* ---- signals ---- */

volatile std::sig_atomic_t nr_signals;

void on_signal(int)
{
	volatile char deep[2000];
	int saved = errno;

	std::memset(const_cast<char *>(deep), nr_signals % 256, sizeof(deep));
	errno = EDOM;
	nr_signals = nr_signals + 1;
	errno = saved;
}

/* A timer has no notion of where malloc() is */
int signals()
{
	struct sigaction act = {};
	itimerval every = { { 0, 100 }, { 0, 100 } }, never = {};
	unsigned int rounds = 0;

	act.sa_handler = on_signal;
	sigaction(SIGALRM, &act, nullptr);
	setitimer(ITIMER_REAL, &every, nullptr);
	while (nr_signals < 3000 && rounds++ < 200000)
		churn(10, 300);
	setitimer(ITIMER_REAL, &never, nullptr);
	churn(11, 20000);
	std::puts("right");
	return 0;
}

struct trouble {
	const char *name;
	int (*run)();
};

constexpr trouble troubles[] = {
	{ "work", work },       { "fill", fill },     { "maps", maps },
	{ "lives", lives },     { "cancel", cancel }, { "forks", forks },
	{ "signals", signals },
};

} // namespace

int main(int argc, char **argv)
{
	for (const trouble &t : troubles)
		if (argc == 2 && !std::strcmp(argv[1], t.name))
			return t.run();
	return 2;
}
