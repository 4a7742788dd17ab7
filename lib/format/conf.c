// SPDX-License-Identifier: MIT
/*
 * conf.c - the tables of settings and the parser that they drive.
 *
 * Used at the start of every process under quern and by the command, which
 * checks settings before it starts a program. Messages are put together by
 * hand: the printf family may take locks and allocate, and this runs where
 * neither is allowed.
 */
#include <errno.h>
#include <string.h>

#include "format/conf.h"
#include "base/config.h"
#include "base/policies.h"

#define TEXT(number)  #number
#define VALUE(number) TEXT(number)

#define MEMBER(name)                              \
	.offset = offsetof(struct qn_conf, name), \
	.size = sizeof(((struct qn_conf *)0)->name)

#define SAMPLE_MIN ((size_t)4 << 10)
#define SAMPLE_MAX ((size_t)1 << 30)
_Static_assert(QN_SAMPLE_BYTES >= SAMPLE_MIN && QN_SAMPLE_BYTES <= SAMPLE_MAX,
	       "QN_SAMPLE_BYTES is outside the range of the key sample");

/* Read at each start, so not among the help, which lies apart (preload/libquern.ld) */
#define WORD(symbol, name, is_built) " " name
static const char policies[] = QN_POLICIES(WORD);
#undef WORD
static const char engines[] =
	"quern buddy buddy-fast freelist per-size boundary "
	"heap4 tlsf quern-heap";

static const char error_choices[] = "abort report ignore";

const struct qn_conf_option qn_conf_options[] = {
	{
		.key = "policy",
		.type = QN_CONF_CHOICE,
		MEMBER(policy),
		.choices = policies + 1,
		.preset = "rule",
		.help = "Who adapts the heap while the program runs. "
			"rule gives sizes that are in much use a class of "
			"their own and takes it away when they are not; fixed "
			"leaves the table as it is at the start; bandit does "
			"as rule does, and tries which of six sets of knobs "
			"costs least at the price; dqn chooses among them by "
			"a network that was trained on other programs, where "
			"that promises more than the rule; paper-dqn learns to move "
			"granules by one step, as was published, to be "
			"compared with; tuned is that of a file, see tuned.",
	},
	{
		.key = "tuned",
		.type = QN_CONF_FILE,
		MEMBER(tuned),
		.preset = "",
		.help = "File of knobs and sizes of their own that were found "
			"for a program (quern tune). Knobs that are set here "
			"as well are as set here. The table stays as the file "
			"says, unless a policy is named behind it.",
	},
	{
		.key = "stats",
		.type = QN_CONF_DIR,
		MEMBER(stats),
		.preset = "",
		.help = "Directory for the statistics file PID.qstat, which "
			"can be read while the program runs and after it has "
			"ended.",
	},
	{
		.key = "live",
		.type = QN_CONF_SIZE,
		MEMBER(live),
		.min = 0,
		.max = 1,
		.preset = "0",
		.help = "1 shows the process to quern top and quern ctl, a "
			"tenth of a second after its start: its figures are "
			"a file of its owner's alone below XDG_RUNTIME_DIR, "
			"/run/user, /dev/shm or /tmp. It goes with the "
			"process; what is left of one that was killed is "
			"removed by quern top.",
	},
	{
		.key = "report",
		.type = QN_CONF_FILE,
		MEMBER(report),
		.preset = "",
		.help = "Where a short report goes when the process ends: a "
			"file, to which it is added, or stderr. %p in the "
			"name is the number of the process; without it "
			"children of the process report nothing. quern run "
			"tells more.",
	},
	{
		.key = "metrics",
		.type = QN_CONF_FILE,
		MEMBER(metrics),
		.preset = "",
		.help = "File that has the figures as OpenMetrics, for the "
			"textfile collector of node_exporter: written anew "
			"every 5 seconds, and at the end. %p in the name is "
			"the number of the process; without it children of "
			"the process write none.",
	},
	{
		.key = "sample",
		.type = QN_CONF_SIZE,
		MEMBER(sample),
		.min = SAMPLE_MIN,
		.max = SAMPLE_MAX,
		.preset = VALUE(QN_SAMPLE_BYTES),
		.help = "Mean bytes requested between two samples at first. "
			"Later it is more, by what is live. Lower learns "
			"sooner and costs more time.",
	},
	{
		.key = "huge",
		.type = QN_CONF_SIZE,
		MEMBER(huge),
		.min = 0,
		.max = (size_t)1 << (sizeof(size_t) > 4 ? 40 : 30),
		.preset = "0",
		.help = "Bytes of the heap in use from which on it grows by "
			"huge pages of 2 MB, where the system has them; 0 is "
			"never. 64M spares page faults for some hundredths "
			"more memory; lower costs more. In a virtual machine "
			"whose host takes free memory back it may cost time.",
	},
	{
		.key = "seed",
		.type = QN_CONF_SIZE,
		MEMBER(seed),
		.min = 0,
		.max = UINT32_MAX,
		.preset = "0",
		.help = "Where random numbers begin: those that choose samples "
			"and the heap's address. For measurements that are to "
			"repeat, but for what is decided by time; 0 is another "
			"one in each process.",
	},
	{
		.key = "sites",
		.type = QN_CONF_SIZE,
		MEMBER(sites),
		.min = 0,
		.max = 1,
		.preset = "0",
		.help = "1 keeps who called, for each sample a stack of up to "
			"16 return addresses; the report tells which call "
			"sites asked for the most bytes and which have the "
			"most in use. Finer with a lower sample. Stacks are "
			"taken by libgcc_s.so.1: quern run preloads it; who "
			"sets LD_PRELOAD by hand has to name it there as well, "
			"unless the program links it.",
	},
	{
		.key = "alpha",
		.type = QN_CONF_MILLI,
		MEMBER(alpha),
		.min = 1,
		.max = 1000000000,
		.preset = "1",
		.help = "What a GB-second of memory weighs, where beta is what "
			"a CPU-second does: another way to write the price, "
			"which is beta/alpha.",
	},
	{
		.key = "beta",
		.type = QN_CONF_MILLI,
		MEMBER(beta),
		.min = 1,
		.max = 1000000000,
		.preset = "2",
		.help = "What a CPU-second weighs, see alpha.",
	},
	{
		.key = "pressure_root",
		.type = QN_CONF_DIR,
		MEMBER(pressure_root),
		.preset = "",
		.help = "Directory with other proc and sys folders, where the "
			"knob pressure looks for how scarce memory is: for "
			"tests.",
	},
	{
		.key = "engine",
		.type = QN_CONF_CHOICE,
		MEMBER(engine),
		.choices = engines,
		.preset = "quern",
		.help = "The heap that serves the program. quern is the one "
			"this library is about; the others are what it is "
			"measured against, complete, behind one lock: Knuth's "
			"buddy system, the same with Fast Find and Fast "
			"Return, a first-fit list, a list for each size, "
			"segregated fit with boundary tags, the algorithms of "
			"FreeRTOS's heap_4 and of TLSF, and the heap that "
			"quern is in firmware. None of them returns memory to "
			"the system. They are in libquern-engines.so: quern "
			"run preloads it; who sets LD_PRELOAD by hand has to "
			"name it there as well.",
	},
	{
		.key = "hard",
		.type = QN_CONF_SIZE,
		MEMBER(hard),
		.min = 0,
		.max = 2,
		.preset = "0",
		.help = "The hardened mode. 1 keeps guards between all blocks "
			"and exact sizes, fills freed blocks with a pattern and "
			"keeps them back for a while: nearly all misuse ends in "
			"a message. 2 keeps them for longer, and large blocks "
			"lie between pages that nobody may touch. Both cost "
			"time and memory; 0: off. It is of quern's own heap, "
			"not of engines, and takes no samples.",
	},
	{
		.key = "guard",
		.type = QN_CONF_SIZE,
		MEMBER(guard),
		.min = 0,
		.max = 1000000000,
		.preset = "0",
		.help = "One block in about so many, of up to 60 KB, lies on "
			"pages of its own against one that nobody may touch, "
			"and nobody may touch it once it is freed. A write or "
			"read behind it, before it, or after its free ends "
			"in a message with the stacks of its allocation and "
			"its free. 20000 costs 1 % of CPU time or less; "
			"lower finds more and costs more; 0: none. Stacks are "
			"taken as for sites.",
	},
	{
		.key = "on_error",
		.type = QN_CONF_CHOICE,
		MEMBER(on_error),
		.choices = error_choices,
		.preset = "abort",
		.help = "What follows when a misuse is found. abort says so "
			"and ends the program; report says so, and ignore "
			"nothing, and the program goes on: the block is "
			"mended, or lost. Without hard and guard it goes on "
			"where a request for what is no block in use is "
			"refused; damage, and second frees of short blocks, "
			"always end it.",
	},
};

const unsigned int qn_conf_nr_options = ARRAY_SIZE(qn_conf_options);

#define BYTES      "BYTES"
#define PART       "PARTS"
#define SIXTEENTHS "SIXTEENTHS"
#define COUNT      "N"
#define MS         "MILLISECONDS"
#define PRICE      "GB-SECONDS"

/* Is a unit counted in thousandths */
#define MILLI_BYTES      false
#define MILLI_PART       false
#define MILLI_SIXTEENTHS false
#define MILLI_COUNT      false
#define MILLI_MS         false
#define MILLI_PRICE      true

#define ROW(name, in, at_first, at_least, at_most, text)   \
	{                                                  \
		.key = #name,                              \
		.unit = in,                                \
		.help = text,                              \
		.is_milli = MILLI_##in,                    \
		.offset = offsetof(struct qn_knobs, name), \
		.least = at_least,                         \
		.most = at_most,                           \
		.preset = at_first,                        \
	},

const struct qn_conf_knob qn_conf_knobs[] __rodata_apart = { QN_KNOBS(ROW) };

const unsigned int qn_conf_nr_knobs = ARRAY_SIZE(qn_conf_knobs);

/* Part of the settings */
struct slice {
	const char *at;
	size_t size;
};

/*
 * Settings are read, and messages are made, where there are settings: most processes have
 * none, so all of that lies apart.
 */

/* A message that grows up to the end of its buffer */
struct message {
	char *at;
	size_t left;
};

/* Quoted text is cut after this, so that the rest of the message has room */
#define QUOTE_MAX 32

static __apart void add_char(struct message *m, char c)
{
	if (m->left < 2)
		return;
	*m->at++ = c;
	*m->at = '\0';
	m->left--;
}

static __apart void add(struct message *m, const char *text)
{
	while (*text)
		add_char(m, *text++);
}

static __apart void add_quoted(struct message *m, struct slice s)
{
	size_t i;

	add_char(m, '\'');
	for (i = 0; i < s.size && i < QUOTE_MAX; i++)
		add_char(m, s.at[i] < ' ' || s.at[i] > '~' ? '?' : s.at[i]);
	add(m, s.size > QUOTE_MAX ? "...'" : "'");
}

/* In the largest unit that leaves no rest */
static __apart void add_size(struct message *m, size_t size)
{
	static const char units[] = { '\0', 'K', 'M', 'G' };
	char digits[20];
	unsigned int unit = 0, n = 0;

	while (size && size % 1024 == 0 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1024;
		unit++;
	}
	do
		digits[n++] = (char)('0' + size % 10);
	while (size /= 10);
	while (n)
		add_char(m, digits[--n]);
	if (unit)
		add_char(m, units[unit]);
}

static __apart void add_milli(struct message *m, size_t milli)
{
	size_t part = milli % 1000;

	add_size(m, milli / 1000);
	if (!part)
		return;
	add_char(m, '.');
	for (size_t digit = 100; part; digit /= 10) {
		add_char(m, (char)('0' + part / digit));
		part %= digit;
	}
}

static __apart void add_keys(struct message *m)
{
	unsigned int i;

	for (i = 0; i < qn_conf_nr_options; i++) {
		add(m, i ? ", " : "");
		add(m, qn_conf_options[i].key);
	}
	for (i = 0; i < qn_conf_nr_knobs; i++) {
		add(m, ", ");
		add(m, qn_conf_knobs[i].key);
	}
}

static __apart void add_choices(struct message *m, const char *choices)
{
	for (; *choices; choices++) {
		if (*choices == ' ')
			add_char(m, ',');
		add_char(m, *choices);
	}
}

static __apart void add_range(struct message *m, size_t least, size_t most,
			      bool is_milli)
{
	if (is_milli) {
		add(m, "a decimal such as 7.5, from ");
		add_milli(m, least);
		add(m, " to ");
		add_milli(m, most);
		return;
	}
	add_size(m, least);
	add(m, " to ");
	add_size(m, most);
	add(m, ", digits and then K, M, G or nothing");
}

static __apart void add_allowed(struct message *m,
				const struct qn_conf_option *o)
{
	switch (o->type) {
	case QN_CONF_SIZE:
	case QN_CONF_MILLI:
		add_range(m, o->min, o->max, o->type == QN_CONF_MILLI);
		break;
	case QN_CONF_CHOICE:
		add_choices(m, o->choices);
		break;
	case QN_CONF_FILE:
	case QN_CONF_DIR:
		add(m, "a path of 1 to ");
		add_size(m, o->size - 1u);
		add(m, " bytes without ','");
		break;
	}
}

/* 10 for K and so on, 0 for anything else */
static unsigned int suffix_shift(char c)
{
	switch (c) {
	case 'K':
	case 'k':
		return 10;
	case 'M':
	case 'm':
		return 20;
	case 'G':
	case 'g':
		return 30;
	}
	return 0;
}

static bool read_size(struct slice s, size_t *size)
{
	unsigned int shift = s.size ? suffix_shift(s.at[s.size - 1]) : 0;
	size_t i, n = 0;

	s.size -= shift != 0;
	if (!s.size)
		return false;
	for (i = 0; i < s.size; i++) {
		if (s.at[i] < '0' || s.at[i] > '9' ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (size_t)(s.at[i] - '0'), &n))
			return false;
	}
	*size = n << shift;
	return *size >> shift == n;
}

/* A decimal of at most three places. Return: false if it is none. */
static bool read_milli(struct slice s, size_t *milli)
{
	const char *point = memchr(s.at, '.', s.size);
	struct slice whole = { s.at, point ? (size_t)(point - s.at) : s.size };
	size_t n = 0, places = 0, i = whole.size + 1;

	if (whole.size &&
	    (suffix_shift(s.at[whole.size - 1]) || !read_size(whole, &n)))
		return false;
	for (; i < s.size && places < 3; i++, places++) {
		if (s.at[i] < '0' || s.at[i] > '9' || n > SIZE_MAX / 20)
			return false;
		n = n * 10 + (size_t)(s.at[i] - '0');
	}
	if (i < s.size || !(whole.size + places) || n > SIZE_MAX / 1000)
		return false;
	for (; places < 3; places++)
		n *= 10;
	*milli = n;
	return true;
}

static bool is_choice(const char *choices, struct slice s)
{
	size_t size;

	for (;;) {
		size = strcspn(choices, " ");
		if (size && size == s.size && !memcmp(choices, s.at, size))
			return true;
		if (!choices[size])
			return false;
		choices += size + 1;
	}
}

static bool set_size(struct qn_conf *conf, const struct qn_conf_option *o,
		     struct slice value)
{
	size_t size;
	bool (*read)(struct slice s, size_t * size) =
		o->type == QN_CONF_MILLI ? read_milli : read_size;

	if (!read(value, &size) || size < o->min || size > o->max)
		return false;
	memcpy((char *)conf + o->offset, &size, sizeof(size));
	return true;
}

static bool set_text(struct qn_conf *conf, const struct qn_conf_option *o,
		     struct slice value)
{
	char *text = (char *)conf + o->offset;

	if (value.size >= o->size)
		return false;
	memset(text, 0, o->size);
	memcpy(text, value.at, value.size);
	return true;
}

static bool set(struct qn_conf *conf, const struct qn_conf_option *o,
		struct slice value)
{
	switch (o->type) {
	case QN_CONF_SIZE:
	case QN_CONF_MILLI:
		return set_size(conf, o, value);
	case QN_CONF_CHOICE:
		return is_choice(o->choices, value) && set_text(conf, o, value);
	case QN_CONF_FILE:
	case QN_CONF_DIR:
		return value.size && set_text(conf, o, value);
	}
	return false;
}

static __apart bool set_knob(struct qn_knobs *knobs,
			     const struct qn_conf_knob *k, struct slice value)
{
	size_t size;

	if (!(k->is_milli ? read_milli : read_size)(value, &size) ||
	    size < k->least || size > k->most)
		return false;
	memcpy((char *)knobs + k->offset, &size, sizeof(size));
	return true;
}

static __apart const struct qn_conf_knob *find_knob(struct slice key)
{
	const struct qn_conf_knob *k;

	for (k = qn_conf_knobs; k < qn_conf_knobs + qn_conf_nr_knobs; k++)
		if (strlen(k->key) == key.size &&
		    !memcmp(k->key, key.at, key.size))
			return k;
	return NULL;
}

static __apart const struct qn_conf_option *find(struct slice key)
{
	const struct qn_conf_option *o;

	for (o = qn_conf_options; o < qn_conf_options + qn_conf_nr_options; o++)
		if (strlen(o->key) == key.size &&
		    !memcmp(o->key, key.at, key.size))
			return o;
	return NULL;
}

static __apart void complain(struct message *m, const char *what,
			     struct slice s, const char *then)
{
	add(m, what);
	add_quoted(m, s);
	add(m, then);
}

/* J = alpha x memory + beta x time: so one CPU-second is worth beta / alpha GB-seconds */
static __apart void set_price(struct qn_conf *conf)
{
	size_t most = 1000000000;

	conf->knobs.price =
		min(max(conf->beta * 1000 / conf->alpha, (size_t)1), most);
}

/* A policy that is named behind it goes on from there */
static __apart void set_tuned(struct qn_conf *conf)
{
	static const char name[] = "tuned";

	memset(conf->policy, 0, sizeof(conf->policy));
	memcpy(conf->policy, name, sizeof(name));
}

/* One KEY:VALUE */
static __apart int parse_item(struct qn_conf *conf, struct slice item,
			      struct message *m)
{
	const char *colon = memchr(item.at, ':', item.size);
	const struct qn_conf_option *o;
	const struct qn_conf_knob *k;
	struct slice key, value;

	if (!colon) {
		complain(m, "no ':' in ", item,
			 "; write KEY:VALUE,KEY:VALUE, known keys: ");
		add_keys(m);
		return -EINVAL;
	}
	key = (struct slice){ item.at, (size_t)(colon - item.at) };
	value = (struct slice){ colon + 1, item.size - key.size - 1 };
	o = find(key);
	k = o ? NULL : find_knob(key);
	if (!o && !k) {
		complain(m, "unknown key ", key, "; known keys: ");
		add_keys(m);
		return -EINVAL;
	}
	if (o ? set(conf, o, value) : set_knob(&conf->knobs, k, value)) {
		if (o && o->type == QN_CONF_MILLI)
			set_price(conf);
		if (o && o->offset == offsetof(struct qn_conf, tuned))
			set_tuned(conf);
		return 0;
	}
	complain(m, "bad value ", value, " for key ");
	add(m, o ? o->key : k->key);
	add(m, "; allowed: ");
	if (o)
		add_allowed(m, o);
	else
		add_range(m, k->least, k->most, k->is_milli);
	return -EINVAL;
}

__apart int qn_conf_set_knob(struct qn_knobs *knobs, const char *key,
			     size_t key_size, const char *value,
			     size_t value_size)
{
	const struct qn_conf_knob *k =
		find_knob((struct slice){ key, key_size });

	if (!k)
		return -ENOENT;
	if (!set_knob(knobs, k, (struct slice){ value, value_size }))
		return -ERANGE;
	return 0;
}

void qn_conf_init(struct qn_conf *conf)
{
	const struct qn_conf_option *o = qn_conf_options;

	memset(conf, 0, sizeof(*conf));
	for (; o < qn_conf_options + qn_conf_nr_options; o++)
		set(conf, o, (struct slice){ o->preset, strlen(o->preset) });
	conf->knobs = qn_knobs_preset;
}

__apart int qn_conf_parse(struct qn_conf *conf, const char *text, char *error,
			  size_t size)
{
	struct message m = { error, size };
	struct qn_conf next = *conf;
	size_t n;

	if (size)
		*error = '\0';
	if (!text || !*text)
		return 0;
	for (;;) {
		n = strcspn(text, ",");
		if (parse_item(&next, (struct slice){ text, n }, &m))
			return -EINVAL;
		if (!text[n])
			break;
		text += n + 1;
	}
	*conf = next;
	return 0;
}
