// SPDX-License-Identifier: MIT
/*
 * fuzz-main.c - drives a fuzzer where there is no libFuzzer, with the options of that.
 *
 *	f-NAME [-runs=N] [-max_total_time=S] [-seed=N] [-max_len=N] [FILE | FOLDER]...
 *
 * First each file is an input; without files, those of the seeds in the tree. Then inputs are
 * made of them, and of nothing, by chance: the same ones with the same seed. In code that was
 * compiled with -fsanitize-coverage=trace-pc, an input that comes to new code is kept, and
 * others are made of it.
 *
 * A file NAME.hex has bytes as hexadecimal digits, with comments behind a '#'. An input that
 * stops the program is written to crash-NAME in the current folder.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../random.h"
#include "fuzz.h"

#define NR_KEPT  4096
#define MAX_LEN  4096
#define FILE_MAX ((size_t)1 << 20)

struct input {
	uint8_t *bytes;
	size_t size;
};

static struct input kept[NR_KEPT];
static unsigned int nr_kept;
static const char *name;
static struct input now;

/* ---- code that was reached ---- */

#define NR_EDGES 65536

static uint8_t reached[NR_EDGES];
static bool is_new;

/* gcc calls it in each block of code that is compiled so */
void __sanitizer_cov_trace_pc(void);

__attribute__((no_sanitize("address", "undefined"))) void
__sanitizer_cov_trace_pc(void)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);
	uint8_t *at = &reached[(pc ^ pc >> 16) % NR_EDGES];

	is_new |= !*at;
	*at = 1;
}

/* ---- inputs ---- */

static void keep(const uint8_t *bytes, size_t size)
{
	struct input *in = &kept[nr_kept < NR_KEPT ? nr_kept : roll(NR_KEPT)];

	free(in->bytes);
	in->bytes = malloc(size + 1);
	if (!in->bytes)
		abort();
	memcpy(in->bytes, bytes, size);
	in->size = size;
	nr_kept += nr_kept < NR_KEPT;
}

static int digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits become bytes where they are. Return: bytes */
static size_t read_hex(uint8_t *bytes, size_t size)
{
	size_t nr = 0;
	bool is_comment = false;

	for (size_t i = 0; i < size; i++) {
		int c = bytes[i], d = digit(c);

		if (c == '#' || c == '\n')
			is_comment = c == '#';
		if (d < 0 || is_comment)
			continue;
		if (nr % 2)
			bytes[nr / 2] = (uint8_t)(bytes[nr / 2] << 4 | d);
		else
			bytes[nr / 2] = (uint8_t)d;
		nr++;
	}
	return nr / 2;
}

static void add_file(const char *path)
{
	static uint8_t bytes[FILE_MAX];
	FILE *f = fopen(path, "rb");
	size_t size, n = strlen(path);

	if (!f) {
		perror(path);
		exit(2);
	}
	size = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	if (n > 4 && !strcmp(path + n - 4, ".hex"))
		size = read_hex(bytes, size);
	keep(bytes, size);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add(const char *path)
{
	struct dirent **entries;
	struct stat st;
	char file[4096];
	int nr;

	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		add_file(path);
		return;
	}
	nr = scandir(path, &entries, NULL, by_name);
	for (int i = 0; i < nr; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (!stat(file, &st) && S_ISREG(st.st_mode))
			add_file(file);
		free(entries[i]);
	}
	free(entries);
}

/* ---- chance ---- */

static uint8_t any_byte(void)
{
	static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, ' ', '0', ':' };

	return (uint8_t)(roll(4) ? roll(256) : edges[roll(sizeof(edges))]);
}

static size_t remove_some(uint8_t *bytes, size_t size)
{
	size_t at = roll((uint32_t)size), n = 1 + roll(8);

	n = n < size - at ? n : size - at;
	memmove(bytes + at, bytes + at + n, size - at - n);
	return size - n;
}

static size_t insert_some(uint8_t *bytes, size_t size, size_t most)
{
	size_t at = roll((uint32_t)size + 1), n = 1 + roll(8);

	n = n < most - size ? n : most - size;
	memmove(bytes + at + n, bytes + at, size - at);
	for (size_t i = 0; i < n; i++)
		bytes[at + i] = any_byte();
	return size + n;
}

/* A piece of another input, over what is there */
static size_t splice(uint8_t *bytes, size_t size, size_t most)
{
	const struct input *from = &kept[roll(nr_kept)];
	size_t at = roll((uint32_t)size + 1), begin, n;

	if (!from->size)
		return size;
	begin = roll((uint32_t)from->size);
	n = 1 + roll((uint32_t)(from->size - begin));
	n = n < most - at ? n : most - at;
	memcpy(bytes + at, from->bytes + begin, n);
	return at + n > size ? at + n : size;
}

static size_t change(uint8_t *bytes, size_t size, size_t most)
{
	for (uint32_t n = 1 + roll(6); n > 0; n--) {
		uint32_t how = roll(8);

		if (how == 0 && size)
			size = remove_some(bytes, size);
		else if (how == 1)
			size = insert_some(bytes, size, most);
		else if (how == 2 && nr_kept)
			size = splice(bytes, size, most);
		else if (how == 3 && size)
			bytes[roll((uint32_t)size)] ^= (uint8_t)(1u << roll(8));
		else if (how == 4 && size)
			bytes[roll((uint32_t)size)] += (uint8_t)(roll(9) - 4);
		else if (size)
			bytes[roll((uint32_t)size)] = any_byte();
	}
	return size;
}

static size_t make_input(uint8_t *bytes, size_t most)
{
	const struct input *from;
	size_t size;

	if (!nr_kept || roll(3) == 0) {
		size = roll((uint32_t)most) >> roll(6);
		for (size_t i = 0; i < size; i++)
			bytes[i] = any_byte();
		return size;
	}
	from = &kept[roll(nr_kept)];
	size = from->size < most ? from->size : most;
	memcpy(bytes, from->bytes, size);
	return change(bytes, size, most);
}

/* ---- runs ---- */

static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	/* Of just its size, so that a read behind it is noticed */
	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	now = (struct input){ copy, size };
	is_new = false;
	LLVMFuzzerTestOneInput(copy, size);
	if (is_new)
		keep(copy, size);
	now = (struct input){ 0 };
	free(copy);
}

/* Before the program ends */
static void save(int sig)
{
	char path[256];
	FILE *f;

	signal(sig, SIG_DFL);
	snprintf(path, sizeof(path), "crash-%s", name);
	f = now.bytes ? fopen(path, "wb") : NULL;
	if (f) {
		fwrite(now.bytes, 1, now.size, f);
		fclose(f);
		fprintf(stderr, "%s: the input is in %s\n", name, path);
	}
	raise(sig);
}

static bool number(const char *arg, const char *key, unsigned long *value)
{
	size_t n = strlen(key);

	if (strncmp(arg, key, n))
		return false;
	*value = strtoul(arg + n, NULL, 10);
	return true;
}

/* f-NAME.asan has its seeds in tests/fuzz/seeds/NAME */
static void add_seeds(void)
{
	const char *top = getenv("srcdir"), *from = strchr(name, '-');
	struct stat st;
	char path[1024];

	if (!top || !from)
		return;
	snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/%.*s", top,
		 (int)strcspn(from + 1, "."), from + 1);
	if (!stat(path, &st))
		add(path);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[MAX_LEN];
	unsigned long runs = 500, seconds = 0, seed = 1, most = 1024, i;
	unsigned int nr_files;
	time_t begin = time(NULL);

	name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	signal(SIGABRT, save);
	for (int n = 1; n < argc; n++) {
		const char *arg = argv[n];

		if (number(arg, "-max_total_time=", &seconds))
			runs = ~0ul;
		else if (!number(arg, "-runs=", &runs) &&
			 !number(arg, "-seed=", &seed) &&
			 !number(arg, "-max_len=", &most))
			add(arg);
	}
	most = most < MAX_LEN ? most : MAX_LEN;
	if (!nr_kept)
		add_seeds();
	nr_files = nr_kept;
	for (i = 0; i < nr_files; i++)
		run(kept[i].bytes, kept[i].size);
	random_state = (uint32_t)seed;
	for (i = 0; i < runs; i++) {
		if (seconds && time(NULL) - begin >= (time_t)seconds)
			break;
		run(bytes, make_input(bytes, most));
	}
	printf("%s: %lu inputs, %u kept, nothing found\n", name, i + nr_files,
	       nr_kept);
	return 0;
}
