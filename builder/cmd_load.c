/* load: images that others wrote, into the store. */
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "builder/commands.h"
#include "builder/exchange/import.h"
#include "builder/rootless.h"
#include "builder/store/refs.h"
#include "builder/worker.h"

struct load_options {
	struct strings tags;
	const char *platform;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRINGS(struct load_options, tags, "tag", 't', "NAME[:TAG]",
		"name the image so (otherwise as its source does)"),
	OPTION_STRING(struct load_options, platform, "platform", 0, "OS/ARCHITECTURE[/VARIANT]",
		"of an index of several, the image for this platform (otherwise this machine's)"),
	OPTION_END,
};
/* clang-format on */

static int add_name(struct strings *names, const char *text, struct error *err)
{
	char *name = NULL;

	if (ref_normalize(text, &name, err) < 0)
		return -1;
	strings_add_take(names, name);
	return 0;
}

/* A source's own name that the store cannot have is no reason to refuse the image. */
static int choose_names(const struct load_options *given, const char *called,
	struct strings *names, struct error *err)
{
	struct error ignored;

	strings_each (tag, &given->tags) {
		if (add_name(names, *tag, err) < 0)
			return -1;
	}
	if (names->count == 0 && called)
		(void)!add_name(names, called, &ignored); /* it stays without a name */
	return 0;
}

static int save(const struct store *store, const struct image *image,
	const struct strings *names, struct error *err)
{
	auto_free char *joined = strings_join(names, ", ");
	struct digest id;
	uint64_t size;

	if (image_save(store, image, &id, &size, err) < 0)
		return -1;
	if (names->count == 0 && refs_set(store, NULL, &id, size, err) < 0)
		return -1;
	strings_each (name, names) {
		if (refs_set(store, *name, &id, size, err) < 0)
			return -1;
	}
	printf("image %.12s%s%s\n", id.hex, *joined ? " is " : "", joined);
	return 0;
}

static int load(const struct command_call *call, const char *source, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct load_options *given = call->options;
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_session session = SESSION_NONE;
	auto_strings names = { 0 };
	auto_free char *called = NULL;
	auto_image image = { 0 };
	struct import_options how = {
		.platform = given->platform,
		.output = -1,
	};

	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		interrupt_begin(&interrupt, err) < 0 ||
		session_begin(&store, &session, err) < 0)
		return -1;
	how.signal_fd = interrupt.fd;
	if (import_image_as(&session, source, &how, &image, &called, err) < 0 ||
		choose_names(given, called, &names, err) < 0)
		return -1;
	return save(&store, &image, &names, err);
}

/* A plain path: a directory is a layout; an archive is tried as either kind. */
static int run(const struct command_call *call, struct error *err)
{
	const char *text = call->argv[0];
	auto_free char *layout = str_format("oci:%s", text);
	auto_free char *archive = str_format("oci-archive:%s", text);
	auto_free char *docker = str_format("docker-archive:%s", text);
	struct error first;
	struct stat stat_of;

	if (rootless_enter(err) < 0)
		return -1;
	if (import_is_source(text))
		return load(call, text, err);
	if (stat(text, &stat_of) < 0)
		return fail_errno(err, "opening %s", text);
	if (S_ISDIR(stat_of.st_mode))
		return load(call, layout, err);
	if (load(call, archive, &first) == 0)
		return 0;
	if (first.errnum == ENOENT) /* it has no index.json */
		return load(call, docker, err);
	*err = first;
	return -1;
}

const struct command command_load = {
	.name = "load",
	.operands = "SOURCE",
	.summary = "read an image from an OCI layout or an archive",
	.details = "SOURCE is a path, or oci:DIR[:TAG], oci-archive:FILE[:TAG], "
		   "docker-archive:FILE, or rootfs:FILE, the tar of a root file system. "
		   "FROM takes the same words.",
	.options = options,
	.options_size = sizeof(struct load_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = run,
};
