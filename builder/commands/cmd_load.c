/* load: images that others wrote, into the store. */
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "builder/build/worker.h"
#include "builder/commands/commands.h"
#include "builder/exchange/import.h"
#include "builder/rootless.h"
#include "builder/store/refs.h"

struct load_options {
	struct strings tags;
	const char *platform;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRINGS(struct load_options, tags, "tag", 't', "NAME[:TAG]",
		"name the one image so (otherwise as its source does)"),
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

static int name_as_given(
	const struct strings *tags, const struct imports *imports, struct error *err)
{
	struct strings *names = &imports->items[0].names;

	if (imports->count > 1)
		return fail(err,
			"--tag is for one image, and these are %zu; say which by :NAME "
			"behind the source",
			imports->count);
	strings_free(names);
	strings_each (tag, tags) {
		if (add_name(names, *tag, err) < 0)
			return -1;
	}
	return 0;
}

/* A source's own name that the store cannot have is no reason to refuse the image. */
static void name_as_source(struct imported *imported)
{
	auto_strings called = imported->names;
	struct error err;

	imported->names = (struct strings){ 0 };
	strings_each (name, &called) {
		if (add_name(&imported->names, *name, &err) < 0)
			log_warning("a name is left out: %s", err.text);
	}
}

static int save(
	const struct store *store, const struct imported *imported, struct error *err)
{
	const struct strings *names = &imported->names;
	auto_free char *joined = strings_join(names, ", ");
	struct digest id;
	uint64_t size;

	if (image_save(store, &imported->image, &id, &size, err) < 0 ||
		refs_set_names(store, names, &id, size, err) < 0)
		return -1;
	printf("image %.12s%s%s\n", id.hex, *joined ? " is " : "", joined);
	return 0;
}

/* Names come last: what fails before leaves the store's names as they were. */
static int load(const struct command_call *call, const char *source, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct load_options *given = call->options;
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_session session = SESSION_NONE;
	auto_imports imports = { 0 };
	struct import_options how = {
		.platform = given->platform,
		.output = -1,
	};

	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		interrupt_begin(&interrupt, err) < 0 ||
		session_begin(&store, &session, err) < 0)
		return -1;
	how.signal_fd = interrupt.fd;
	if (import_images(&session, source, &how, &imports, err) < 0)
		return -1;
	if (given->tags.count > 0 && name_as_given(&given->tags, &imports, err) < 0)
		return -1;
	for (size_t i = 0; i < imports.count; i++) {
		if (given->tags.count == 0)
			name_as_source(&imports.items[i]);
		if (save(&store, &imports.items[i], err) < 0)
			return -1;
	}
	return 0;
}

static int run(const struct command_call *call, struct error *err)
{
	const char *source = call->argc > 0 ? call->argv[0] : "-";
	bool piped = strcmp(source, "-") == 0;

	if (rootless_enter(err) < 0)
		return -1;
	if (piped && isatty(STDIN_FILENO))
		return fail(err, "an archive does not come from a terminal; give a file");
	return load(call, piped ? "/dev/stdin" : source, err);
}

const struct command command_load = {
	.name = "load",
	.operands = "[SOURCE]",
	.summary = "read images from an OCI layout or an archive",
	.details =
		"SOURCE is a path, whose files tell what it is, or oci:DIR, "
		"oci-archive:FILE, docker-archive:FILE, dir:DIR, or rootfs:FILE, the tar "
		"of a root file system; without it, or for -, an archive on standard "
		"input. An archive may be compressed by gzip, bzip2, xz or zstd. All "
		"images in it are read, with all their names; with :NAME behind the path, "
		"the one of that name. FROM takes the same words, and one image.",
	.options = options,
	.options_size = sizeof(struct load_options),
	.operands_max = 1,
	.permute = true,
	.run = run,
};
