/* build: reads the options, builds, names the image. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "builder/build/build.h"
#include "builder/build/settings.h"
#include "builder/bundle/request.h"
#include "builder/commands/commands.h"
#include "builder/commands/registry_options.h"
#include "builder/destination.h"
#include "builder/exchange/attest.h"
#include "builder/exchange/output.h"
#include "builder/rootless.h"
#include "builder/store/refs.h"

struct build_options {
	struct strings tags;
	const char *file;
	struct strings build_args;
	struct strings contexts;
	struct strings allowed;
	struct strings cdi_directories;
	struct strings labels;
	const char *target;
	const char *platform;
	const char *network;
	const char *progress;
	uint32_t jobs;
	const char *iidfile;
	struct strings secrets;
	struct strings agents;
	bool has_epoch;
	int64_t epoch;
	bool rewrite_timestamp;
	bool has_sbom;
	bool sbom;
	struct strings attest;
	const char *provenance;
	struct strings outputs;
	const char *pull;
	struct registry_flags registry;
	bool no_cache;
	bool why;
	const char *shell;
	bool quiet;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRINGS(struct build_options, tags, "tag", 't', "NAME[:TAG]",
		"name the image"),
	OPTION_STRING(struct build_options, file, "file", 'f', "FILE",
		"the Mockerfile (otherwise the context's Mockerfile, else its Dockerfile; "
		"\"-\": standard input)"),
	OPTION_STRINGS(struct build_options, build_args, "build-arg", 0, "NAME[=VALUE]",
		"the value of an ARG; without one, that of the environment"),
	OPTION_STRINGS(struct build_options, contexts, "build-context", 0, "NAME=CONTEXT",
		"what FROM, --from and from= mean by the name: a directory, a repository, an "
		"archive's URL, docker-image://NAME, oci-layout://DIR"),
	OPTION_STRINGS(struct build_options, labels, "label", 0, "NAME=VALUE",
		"a label of the image"),
	OPTION_STRING(struct build_options, target, "target", 0, "STAGE",
		"build this stage, by name or number, instead of the last"),
	OPTION_STRING(struct build_options, platform, "platform", 0, "OS/ARCHITECTURE[/VARIANT]",
		"build for this platform instead of this machine's: FROM takes such images, "
		"TARGETPLATFORM tells of it"),
	OPTION_STRING(struct build_options, network, "network", 0, "host|none",
		"what RUN reaches: the host's network, or nothing",
		.values = "host|none|default", .initial = "host"),
	OPTION_STRINGS(struct build_options, secrets, "secret", 0, "id=ID[,src=FILE|,env=NAME]",
		"what RUN --mount=type=secret,id=ID shows to its step alone"),
	OPTION_STRINGS(struct build_options, agents, "ssh", 0, "ID[=SOCKET|KEY[,KEY]]",
		"what RUN --mount=type=ssh and git over ssh (\"default\") may use: an agent "
		"(otherwise $SSH_AUTH_SOCK), or private keys, for an agent of the build's own"),
	OPTION_STRINGS(struct build_options, allowed, "allow", 0, "ENTITLEMENT",
		"let RUN ask for what leads out of its sandbox: security.insecure (--security), "
		"network.host (--network, where the build's own is not the host's), device or "
		"device=VENDOR/CLASS=NAME (--device)"),
	OPTION_STRINGS(struct build_options, cdi_directories, "cdi-spec-dir", 0, "DIRECTORY",
		"where CDI specifications of the devices are, instead of /etc/cdi, "
		"/etc/buildkit/cdi and /var/run/cdi; the last that has a device counts"),
	OPTION_FLAG(struct build_options, no_cache, "no-cache", 0,
		"run every step again"),
	OPTION_FLAG(struct build_options, why, "why", 0,
		"say of each step that is not cached what changed since the last build: "
		"a file, a variable, the instruction, the steps before it"),
	OPTION_STRING(struct build_options, shell, "shell-on-failure", 0, "SHELL",
		"where a RUN fails, open a shell in its container, on the terminal; the build "
		"fails when that ends (otherwise the program of SHELL, or /bin/sh)",
		.bare = ""),
	OPTION_U32(struct build_options, jobs, "jobs", 'j', "N",
		"how many stages are built at a time (otherwise one a CPU)"),
	OPTION_STRING(struct build_options, progress, "progress", 0,
		"auto|plain|tty|json|quiet",
		"how progress is shown: in lines, in a part of the terminal that changes, as "
		"an object a line for tools, or not at all",
		.values = "auto|plain|tty|json|quiet", .initial = "auto"),
	OPTION_FLAG(struct build_options, quiet, "quiet", 'q',
		"print nothing but the image's ID; the same as --progress=quiet"),
	OPTION_STRING(struct build_options, iidfile, "iidfile", 0, "FILE",
		"write the image's ID to the file: the store's, for layers have no digests until "
		"they leave; push --digestfile has the manifest's"),
	OPTION_I64(struct build_options, epoch, "source-date-epoch", 0, "SECONDS",
		"the latest time that the image mentions (otherwise $SOURCE_DATE_EPOCH)",
		OPTION_HAS(struct build_options, epoch)),
	OPTION_FLAG(struct build_options, rewrite_timestamp, "rewrite-timestamp", 0,
		"insist on such a time: it holds for the times of files too"),
	OPTION_STRINGS(struct build_options, attest, "attest", 0, "type=TYPE[,KEY=VALUE...]",
		"attest of the image: type=sbom, type=provenance[,version=v0.2|v1]; "
		"disabled=true takes it back"),
	OPTION_FLAG(struct build_options, sbom, "sbom", 0,
		"attest which packages the image has (SPDX)", OPTION_HAS(struct build_options, sbom)),
	OPTION_STRING(struct build_options, provenance, "provenance", 0, "version=v0.2|v1",
		"attest how it was built (SLSA, otherwise of version 0.2)", .bare = "true"),
	OPTION_STRINGS(struct build_options, outputs, "output", 'o', "DIR|type=TYPE,dest=PATH",
		"where the image goes besides the store: type=bundle, local, tar, oci, "
		"oci-archive, docker-archive or registry; several are possible"),
	OPTION_STRING(struct build_options, pull, "pull", 0, "missing|always|never",
		"when FROM asks a registry", .values = "missing|always|never",
		.initial = "missing"),
	REGISTRY_OPTIONS(struct build_options),
	OPTION_END,
};
/* clang-format on */

static const struct word pull_words[] = {
	{ "missing", PULL_MISSING },
	{ "always", PULL_ALWAYS },
	{ "never", PULL_NEVER },
	{ NULL, 0 },
};

static const struct word progress_words[] = {
	{ "auto", VIEW_AUTO },
	{ "plain", VIEW_PLAIN },
	{ "tty", VIEW_LIVE },
	{ "json", VIEW_JSON },
	{ "quiet", VIEW_QUIET },
	{ NULL, 0 },
};

/* NAME alone takes the environment's value, and is no argument where there is none. */
static int read_build_args(
	const struct strings *list, struct pairs *ret, struct error *err)
{
	strings_each (item, list) {
		const char *equals = strchr(*item, '=');
		auto_free char *name = str_dup_n(
			*item, equals ? (size_t)(equals - *item) : strlen(*item));
		const char *value = equals ? equals + 1 : getenv(name);

		if (!*name)
			return fail(err, "--build-arg %s: expected NAME=VALUE or NAME",
				*item);
		if (value)
			pairs_set(ret, name, value);
	}
	return 0;
}

/* NAME=VALUE each, with a value. */
static int read_pairs(const struct strings *list, const char *option, const char *form,
	struct pairs *ret, struct error *err)
{
	strings_each (item, list) {
		const char *equals = strchr(*item, '=');
		auto_free char *name = NULL;

		if (!equals || equals == *item)
			return fail(err, "%s %s: expected %s", option, *item, form);
		name = str_dup_n(*item, (size_t)(equals - *item));
		pairs_set(ret, name, equals + 1);
	}
	return 0;
}

static int read_allowed(
	const struct strings *list, struct build_request *ret, struct error *err)
{
	ret->allow_host_network = str_equal(ret->network, NETWORK_HOST);
	strings_each (item, list) {
		const char *device = str_after(*item, "device=");

		if (strcmp(*item, "security.insecure") == 0)
			ret->allow_insecure = true;
		else if (strcmp(*item, "network.host") == 0)
			ret->allow_host_network = true;
		else if (strcmp(*item, "device") == 0)
			ret->allow_devices = true;
		else if (device && *device)
			strings_add(&ret->allowed_devices, device);
		else
			return fail(err,
				"--allow %s: expected security.insecure, network.host, "
				"device or device=NAME",
				*item);
	}
	return 0;
}

static int read_secrets(
	const struct build_options *given, struct build_request *ret, struct error *err)
{
	strings_each (item, &given->secrets) {
		if (secrets_add(&ret->secrets, *item, err) < 0)
			return -1;
	}
	strings_each (item, &given->agents) {
		if (secrets_add_ssh(&ret->agents, *item, err) < 0)
			return -1;
	}
	return 0;
}

static int read_epoch(const struct build_options *given, const struct pairs *build_args,
	int64_t *ret, struct error *err)
{
	const char *environment = pairs_get(build_args, "SOURCE_DATE_EPOCH");

	if (!environment)
		environment = getenv("SOURCE_DATE_EPOCH");
	*ret = -1;
	if (given->has_epoch)
		*ret = given->epoch;
	else if (environment && *environment &&
		 str_to_i64(environment, "SOURCE_DATE_EPOCH", ret, err) < 0)
		return -1;
	if (given->rewrite_timestamp && *ret < 0)
		return fail(err, "--rewrite-timestamp needs --source-date-epoch or "
				 "$SOURCE_DATE_EPOCH");
	return 0;
}

static int check_shell(const struct build_options *given, struct error *err)
{
	if (!given->shell || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return 0;
	return fail(err,
		"--shell-on-failure needs a terminal as standard input and output; "
		"leave it out where nobody can type");
}

static unsigned int count_cpus(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? (unsigned int)count : 1;
}

static int read_request(
	const struct command_call *call, struct build_request *ret, struct error *err)
{
	const struct build_options *given = call->options;
	int64_t pull = PULL_MISSING;

	(void)word_to_number(pull_words, given->pull, &pull); /* one of its values */
	*ret = (struct build_request){
		.context = call->argc > 0 ? call->argv[0] : ".",
		.file = given->file,
		.target = given->target,
		.platform = given->platform,
		.network = str_equal(given->network, "default") ? "host" : given->network,
		.no_cache = given->no_cache,
		.why = given->why,
		.shell = given->shell,
		.jobs = given->jobs ? given->jobs : count_cpus(),
		.pull = (enum pull_policy)pull,
		.cdi_directories = given->cdi_directories,
		.client = registry_client(&given->registry),
	};
	return check_shell(given, err) < 0 ||
			       read_build_args(
				       &given->build_args, &ret->build_args, err) < 0 ||
			       read_pairs(&given->labels, "--label", "NAME=VALUE",
				       &ret->labels, err) < 0 ||
			       read_pairs(&given->contexts, "--build-context",
				       "NAME=CONTEXT", &ret->contexts, err) < 0 ||
			       read_allowed(&given->allowed, ret, err) < 0 ||
			       read_secrets(given, ret, err) < 0 ||
			       read_epoch(given, &ret->build_args, &ret->epoch, err) < 0
		       ? -1
		       : 0;
}

static int normalize_tags(
	const struct strings *tags, struct strings *ret, struct error *err)
{
	strings_each (tag, tags) {
		char *name = NULL;

		if (ref_normalize(*tag, &name, err) < 0)
			return fail_while(err, "--tag");
		strings_add_take(ret, name);
	}
	return 0;
}

static int write_id(const char *path, const struct digest *id, struct error *err)
{
	auto_free char *text = str_format(DIGEST_PREFIX "%s", id->hex);

	return path ? destination_write(path, text, err) : 0;
}

static enum view_kind view_of(const struct build_options *given)
{
	int64_t kind = VIEW_AUTO;

	(void)word_to_number(progress_words, given->progress, &kind); /* one of them */
	return given->quiet ? VIEW_QUIET : (enum view_kind)kind;
}

static void report(const struct build_options *given, const struct strings *names,
	const struct digest *id, struct view *view)
{
	auto_free char *joined = strings_join(names, ", ");
	auto_free char *text = str_format(DIGEST_PREFIX "%s", id->hex);
	enum view_kind kind = view_of(given);

	view_build_event(view, PROGRESS_BUILD_DONE, text);
	if (kind == VIEW_QUIET)
		printf("%s\n", text);
	else if (kind != VIEW_JSON)
		printf("image %.12s%s%s\n", id->hex, *joined ? " is " : "", joined);
}

struct outputs {
	struct output *items;
	size_t count;
	int standard_fd; /* standard output, where one of them goes there; -1 */
};

static void outputs_free(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		output_free(&outputs->items[i]);
	free(outputs->items);
	if (outputs->standard_fd >= 0)
		close(outputs->standard_fd);
}

#define auto_outputs __attribute__((cleanup(outputs_free))) struct outputs

/* What an archive has for itself: all that is told goes to standard error then. */
static int give_up_standard_output(struct outputs *outputs, struct error *err)
{
	if (outputs->standard_fd >= 0)
		return fail(err, "two outputs go to standard output");
	outputs->standard_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (outputs->standard_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return fail_errno(err, "keeping standard output for an archive");
	return 0;
}

static int read_outputs(
	const struct strings *list, struct outputs *ret, struct error *err)
{
	ret->items = str_alloc((list->count + 1) * sizeof(*ret->items));
	strings_each (item, list) {
		if (output_parse(*item, &ret->items[ret->count], err) < 0)
			return -1;
		if (output_is_standard(&ret->items[ret->count++]) &&
			give_up_standard_output(ret, err) < 0)
			return -1;
	}
	return 0;
}

/* The image by each of its names, or by none; owned by the caller. */
static struct export_image *list_names(
	const struct image *image, const struct strings *names, size_t *ret_count)
{
	struct export_image *list = str_alloc((names->count + 1) * sizeof(*list));

	list[0].image = image;
	for (size_t i = 0; i < names->count; i++)
		list[i] = (struct export_image){ image, names->items[i] };
	*ret_count = names->count > 0 ? names->count : 1;
	return list;
}

static int write_outputs(const struct build_request *request, const struct store *store,
	const struct image *image, const struct strings *names,
	const struct outputs *outputs, struct error *err)
{
	size_t count = 0;
	auto_free struct export_image *images = list_names(image, names, &count);
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_session session = SESSION_NONE;
	struct output_job job = {
		.session = &session,
		.standard_fd = outputs->standard_fd,
		.images = images,
		.count = count,
		.epoch = request->epoch,
		.client = request->client,
		.report = -1,
	};

	if (outputs->count == 0)
		return 0;
	if (interrupt_begin(&interrupt, err) < 0 ||
		session_begin(store, &session, err) < 0)
		return -1;
	job.signal_fd = interrupt.fd;
	for (size_t i = 0; i < outputs->count; i++) {
		if (output_write(&outputs->items[i], &job, err) < 0)
			return -1;
	}
	return 0;
}

/* Its shorthands come after --attest. */
static int read_attest(
	const struct build_options *given, struct attest_options *ret, struct error *err)
{
	strings_each (item, &given->attest) {
		if (attest_parse(*item, ret, err) < 0)
			return -1;
	}
	if (given->has_sbom)
		ret->sbom = given->sbom;
	return given->provenance ? attest_parse_provenance(given->provenance, ret, err)
				 : 0;
}

/* The times of a reproducible build are the epoch; its start and end would differ. */
static char *make_provenance(const struct build_request *request,
	const struct build_record *record, time_t started, enum attest_version version)
{
	struct build_request then = { .epoch = started };
	struct build_request now = { .epoch = time(NULL) };
	auto_free char *began = settings_time(&then);
	auto_free char *ended = settings_time(&now);
	struct attest_build build = {
		.file = request->file ? path_base(request->file) : "Mockerfile",
		.source = record->source,
		.repository = record->from_repository ? request->context : "",
		.target = request->target,
		.images = &record->images,
		.fetched = &record->fetched,
		.started = request->epoch < 0 ? began : NULL,
		.finished = ended,
	};

	return attest_provenance(&build, version);
}

/* What holds for the image as a whole. */
static int finish_image(const struct attest_options *attest,
	const struct build_request *request, const struct build_record *record,
	time_t started, struct image *image, struct error *err)
{
	if (image->on_host && (attest->sbom || attest->provenance))
		return fail(err, "an image that was made without FROM is never exported: "
				 "there is nothing to attest");
	image->sbom = attest->sbom;
	if (request->epoch >= 0)
		image_set_epoch(image, request->epoch);
	if (!attest->provenance)
		return 0;
	image->provenance = make_provenance(request, record, started, attest->version);
	image->provenance_type = str_dup(attest_predicate_type(attest->version));
	return 0;
}

static int build(const struct command_call *call, const struct build_request *request,
	const struct outputs *outputs, struct build_record *record, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct build_options *given = call->options;
	auto_strings names = { 0 };
	auto_store store = STORE_CLOSED;
	auto_image image = { 0 };
	struct attest_options attest = { 0 };
	time_t started = time(NULL);
	struct digest id;
	uint64_t size;

	if (normalize_tags(&given->tags, &names, err) < 0 ||
		read_attest(given, &attest, err) < 0 ||
		store_open(global->root, LOCK_SH, &store, err) < 0 ||
		build_run(request, &store, &image, record, err) < 0 ||
		finish_image(&attest, request, record, started, &image, err) < 0 ||
		image_save(&store, &image, &id, &size, err) < 0 ||
		refs_set_names(&store, &names, &id, size, err) < 0 ||
		write_outputs(request, &store, &image, &names, outputs, err) < 0 ||
		write_id(given->iidfile, &id, err) < 0)
		return -1;
	report(given, &names, &id, request->view);
	return 0;
}

static int run(const struct command_call *call, struct error *err)
{
	const struct build_options *given = call->options;
	auto_outputs outputs = { .standard_fd = -1 };
	struct build_record record = { 0 };
	struct build_request request;
	auto_view view = { 0 };
	int result;

	if (rootless_enter(err) < 0 || read_outputs(&given->outputs, &outputs, err) < 0)
		return -1;
	result = read_request(call, &request, err);
	view_begin(&view, view_of(given));
	request.view = &view;
	if (result == 0)
		result = secrets_begin_agents(&request.agents, err);
	if (result == 0)
		result = build(call, &request, &outputs, &record, err);
	if (result < 0)
		view_build_event(&view, PROGRESS_BUILD_FAILED, err->text);
	build_record_free(&record);
	pairs_free(&request.build_args);
	pairs_free(&request.labels);
	pairs_free(&request.contexts);
	strings_free(&request.allowed_devices);
	secrets_free(&request.secrets);
	secrets_free(&request.agents);
	return result;
}

const struct command command_build = {
	.name = "build",
	.operands = "[CONTEXT]",
	.summary = "build an image from a Mockerfile",
	.details =
		"CONTEXT is the directory that COPY and ADD read (otherwise the current "
		"one). It may also be a git repository (https://HOST/NAME.git#REF:DIRECTORY, "
		"git@HOST:NAME.git, ssh://, git://), the URL of an archive, or \"-\": an "
		"archive on standard input, or a Mockerfile, which is then built without "
		"files; --file is a path in it.\n\n"
		"Each RUN is executed by mocker-runtime in a container of its own. "
		"A step runs again only when its instruction, the files below it or the "
		"bytes that it copies changed.\n\n"
		"A Mockerfile without FROM builds on the file system of this host, "
		"read-only under an overlay; the image holds only what changed and "
		"runs on this host alone. Its working directory is /root/workspace, "
		"which is also /root/.mocker/layer/builder_space. What the host keeps "
		"in /root, /home, /tmp, /run, /etc/shadow and a few more such places is "
		"hidden; other files are as visible as they are to root on the host.",
	.options = options,
	.options_size = sizeof(struct build_options),
	.operands_max = 1,
	.permute = true,
	.run = run,
};
