/* Tables of the default profile; the system calls are in profile_seccomp.c. */
#include "builder/bundle/profile.h"

#include <ctype.h>
#include <string.h>

#include "spec/names.h"

static const char *const default_capabilities[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_NET_BIND_SERVICE",
	"CAP_SETFCAP",
	"CAP_SETGID",
	"CAP_SETPCAP",
	"CAP_SETUID",
	"CAP_SYS_CHROOT",
};

/* What the kernel says of the machine there is not the container's business. */
static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/dev/block",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
};

static const char *const readonly_paths[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
};

static void add_all(struct strings *ret, const char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		strings_add(ret, items[i]);
}

void profile_masked_paths(struct strings *ret)
{
	add_all(ret, masked_paths, ARRAY_SIZE(masked_paths));
}

void profile_readonly_paths(struct strings *ret)
{
	add_all(ret, readonly_paths, ARRAY_SIZE(readonly_paths));
}

void profile_all_capabilities(struct strings *ret)
{
	for (const struct word *word = capability_words; word->word; word++) {
		if (!strings_contain(ret, word->word))
			strings_add(ret, word->word);
	}
}

/* "net_admin" → "CAP_NET_ADMIN"; borrowed from the table. */
static int find_capability(
	const char *text, const char *option, const char **ret, struct error *err)
{
	int number = capability_number(text);

	if (number < 0)
		return word_fail(capability_words, option, text, err);
	*ret = word_of_number(capability_words, number);
	return 0;
}

static void remove_item(struct strings *list, const char *text)
{
	for (size_t i = list->count; i-- > 0;) {
		if (strcmp(list->items[i], text) != 0)
			continue;
		free(list->items[i]);
		memmove(&list->items[i], &list->items[i + 1],
			(list->count - i) * sizeof(*list->items));
		list->count--;
	}
}

static bool names_all(const char *text)
{
	return strcasecmp(text, "ALL") == 0;
}

static int add_capabilities(
	const struct strings *add, struct strings *set, struct error *err)
{
	strings_each (item, add) {
		const char *name = NULL;

		if (names_all(*item)) {
			profile_all_capabilities(set);
			continue;
		}
		if (find_capability(*item, "--cap-add", &name, err) < 0)
			return -1;
		if (!strings_contain(set, name))
			strings_add(set, name);
	}
	return 0;
}

/* `--cap-drop ALL --cap-add X` means X alone, in whatever order they stand. */
int profile_capabilities(const struct strings *add, const struct strings *drop,
	struct strings *ret, struct error *err)
{
	auto_strings set = { 0 };
	bool none = false;

	strings_each (item, drop)
		none = none || names_all(*item);
	if (!none)
		add_all(&set, default_capabilities, ARRAY_SIZE(default_capabilities));
	if (add_capabilities(add, &set, err) < 0)
		return -1;
	strings_each (item, drop) {
		const char *name = NULL;

		if (names_all(*item))
			continue;
		if (find_capability(*item, "--cap-drop", &name, err) < 0)
			return -1;
		remove_item(&set, name);
	}
	strings_copy(ret, &set);
	return 0;
}
