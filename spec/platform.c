/* Two tables: words of machines, and what each architecture runs besides itself. */
#include "spec/platform.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"

/* What uname(2), Debian, Docker and people say. */
static const struct {
	const char *word;
	const char *architecture;
	const char *variant;
} machines[] = {
	{ "x86_64", "amd64", "" },
	{ "x86-64", "amd64", "" },
	{ "aarch64", "arm64", "" },
	{ "armv8l", "arm", "v8" },
	{ "armv7l", "arm", "v7" },
	{ "armv6l", "arm", "v6" },
	{ "armv5tel", "arm", "v5" },
	{ "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" },
	{ "i386", "386", "" },
	{ "i486", "386", "" },
	{ "i586", "386", "" },
	{ "i686", "386", "" },
	{ "loongarch64", "loong64", "" },
};

/* The version of a variant that is not written. */
static const struct {
	const char *architecture;
	int version;
} usual[] = {
	{ "amd64", 1 },
	{ "arm", 7 },
	{ "arm64", 8 },
};

/* What one word alone can be. */
static const char *const systems[] = { "linux", "windows", "darwin", "freebsd", "netbsd",
	"openbsd", "dragonfly", "solaris", "illumos", "aix", "android", "plan9" };
static const char *const architectures[] = { "386", "amd64", "arm", "arm64", "loong64",
	"mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x",
	"sparc64", "wasm" };

#define WORD_CHARACTERS    "abcdefghijklmnopqrstuvwxyz0123456789_.-"
#define OTHER_ARCHITECTURE 100 /* worse than every variant of one's own */

static size_t find_machine(const char *word)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(machines) && strcmp(machines[i].word, word) != 0)
		i++;
	return i;
}

/* Asked once: a machine does not change. */
static const char *machine(void)
{
	static struct utsname host;

	if (!host.machine[0] && uname(&host) < 0)
		strcpy(host.machine, "unknown");
	return host.machine;
}

const char *platform_architecture(void)
{
	size_t i = find_machine(machine());

	return i < ARRAY_SIZE(machines) ? machines[i].architecture : machine();
}

const char *platform_variant(void)
{
	size_t i = find_machine(machine());

	return i < ARRAY_SIZE(machines) ? machines[i].variant : "";
}

void platform_free(struct image_platform *platform)
{
	json_free(&image_platform_type, platform);
}

static void set_variant(struct image_platform *platform, const char *variant)
{
	if (*variant)
		platform->variant = str_dup(variant);
}

static void set_ours(struct image_platform *ret, const char *os)
{
	ret->os = str_dup(os);
	ret->architecture = str_dup(platform_architecture());
	set_variant(ret, platform_variant());
}

/* One form of each: "v7" is arm's where none is said, and not said where all have it. */
static void set_machine(struct image_platform *ret, const char *word, const char *variant)
{
	size_t i = find_machine(word);
	bool known = i < ARRAY_SIZE(machines);
	const char *architecture = known ? machines[i].architecture : word;
	auto_free char *versioned = NULL;

	ret->architecture = str_dup(architecture);
	if (strcmp(architecture, "386") == 0)
		return;
	if (known && *machines[i].variant) {
		set_variant(ret, machines[i].variant);
		return;
	}
	if (str_after(architecture, "arm") && isdigit((unsigned char)*variant)) {
		versioned = str_format("v%s", variant);
		variant = versioned;
	}
	if (strcmp(architecture, "arm") == 0)
		set_variant(ret, *variant ? variant : "v7");
	else if ((strcmp(architecture, "amd64") != 0 || strcmp(variant, "v1") != 0) &&
		 (strcmp(architecture, "arm64") != 0 || strcmp(variant, "v8") != 0))
		set_variant(ret, variant);
}

/* A system alone is this machine's; an architecture alone, linux. */
static bool set_word(struct image_platform *ret, const char *word)
{
	size_t i = find_machine(word);
	bool ours = strcmp(word, "local") == 0;

	if (ours || str_is_among(word, systems, ARRAY_SIZE(systems))) {
		set_ours(ret, ours ? "linux" : word);
		return true;
	}
	if (i == ARRAY_SIZE(machines) &&
		!str_is_among(word, architectures, ARRAY_SIZE(architectures)))
		return false;
	ret->os = str_dup("linux");
	set_machine(ret, word, "");
	return true;
}

static bool are_words(const struct strings *parts)
{
	strings_each (part, parts) {
		if (!**part || (*part)[strspn(*part, WORD_CHARACTERS)])
			return false;
	}
	return parts->count > 0 && parts->count <= 3;
}

int platform_parse(const char *text, struct image_platform *ret, struct error *err)
{
	auto_free char *lower = str_dup(text ? text : "local");
	auto_strings parts = { 0 };

	*ret = (struct image_platform){ 0 };
	if (strchr(lower, ','))
		return fail(err, "platform \"%s\": expected one", text);
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	strings_split(&parts, lower, '/');
	if (!are_words(&parts) || (parts.count == 1 && !set_word(ret, lower)))
		return fail(err,
			"platform \"%s\": expected OS/ARCHITECTURE[/VARIANT], such as "
			"linux/arm64, or one of the two",
			text);
	if (parts.count == 1)
		return 0;
	ret->os = str_dup(parts.items[0]);
	set_machine(ret, parts.items[1], parts.count == 3 ? parts.items[2] : "");
	return 0;
}

char *platform_text(const struct image_platform *platform)
{
	bool variant = platform->variant && *platform->variant;

	return str_format("%s/%s%s%s", platform->os, platform->architecture,
		variant ? "/" : "", variant ? platform->variant : "");
}

/* "v7", "7" and "v8.2" as numbers, the last one as 8: what is behind the point is an
 * extension that programs ask the processor for. -1: it is no such word. */
static int version_of(const struct image_platform *platform)
{
	const char *text = platform->variant ? platform->variant : "";
	char *end;
	long version;

	if (!*text) {
		for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
			if (str_equal(usual[i].architecture, platform->architecture))
				return usual[i].version;
		}
		return 0;
	}
	text += *text == 'v';
	version = strtol(text, &end, 10);
	return end == text || (*end && *end != '.') || version < 0 || version > 99
		       ? -1
		       : (int)version;
}

static int rank_of_version(int wanted, int offered)
{
	return offered >= 0 && offered <= wanted ? wanted - offered : -1;
}

/* Of the older architecture that the wanted one's machines run too. */
static int rank_of_other(
	const struct image_platform *wanted, const struct image_platform *platform)
{
	if (str_equal(wanted->architecture, "amd64") &&
		str_equal(platform->architecture, "386"))
		return OTHER_ARCHITECTURE;
	if (str_equal(wanted->architecture, "arm64") &&
		str_equal(platform->architecture, "arm")) {
		int rank = rank_of_version(8, version_of(platform));

		return rank < 0 ? -1 : OTHER_ARCHITECTURE + rank;
	}
	return -1;
}

int platform_rank(
	const struct image_platform *wanted, const struct image_platform *platform)
{
	int version;

	if (!platform)
		return 0;
	if (!str_equal(wanted->os, platform->os))
		return -1;
	if (!str_equal(wanted->architecture, platform->architecture))
		return rank_of_other(wanted, platform);
	version = version_of(wanted);
	if (version < 0) /* a word that is no version serves itself */
		return str_equal(wanted->variant, platform->variant) ? 0 : -1;
	return rank_of_version(version, version_of(platform));
}
