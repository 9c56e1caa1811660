/* check: everything that is wrong with a bundle, before anything is created. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "runtime/commands/check_host.h"
#include "runtime/commands/commands.h"
#include "spec/config.h"
#include "spec/validate.h"

struct findings {
	char *document; /* the text of config.json */
	size_t length;
	struct str text; /* one line for each */
	bool strict;     /* unknown members count */
	size_t problems;
	size_t warnings;
};

static void add_finding(struct findings *findings, bool warning, const char *line)
{
	str_appendf(&findings->text, "%s%s\n", warning ? "warning: " : "", line);
	findings->problems += !warning;
	findings->warnings += warning;
}

/* A runtime ignores what it does not know, as it must; to the author it is a mistake. */
static void on_unknown(void *argument, const char *line)
{
	struct findings *findings = argument;

	add_finding(findings, !findings->strict, line);
}

/* With line and column before the pointer that the words begin with. */
static void add_placed(struct findings *findings, bool warning, const char *words)
{
	struct error line;

	(void)fail(&line, "%s", words);
	json_place("config.json", findings->document, findings->length, &line);
	add_finding(findings, warning, line.text);
}

static void on_rule(void *argument, const char *pointer, const char *text)
{
	auto_free char *words = str_format("%s: %s", pointer, text);

	add_placed(argument, false, words);
}

static void on_host(void *argument, bool warning, const char *text)
{
	add_placed(argument, warning, text);
}

/* What the machine says is asked only of a document that is sound in itself: plans may
 * rely on its rules. */
static int check_config(const struct command_call *call, const char *bundle,
	int bundle_fd, struct findings *findings, struct error *err)
{
	const struct json_options reading = {
		.name = "config.json",
		.unknown = on_unknown,
		.argument = findings,
	};
	const struct validate_options rules = { .problem = on_rule,
		.argument = findings };
	auto_oci_config config = { 0 };
	struct check_host_request host = {
		.config = &config,
		.bundle = bundle,
		.bundle_fd = bundle_fd,
		.driver = options_cgroup_driver(call->global),
		.rootless = options_rootless(call->global),
		.report = on_host,
		.argument = findings,
	};
	struct error wrong;

	if (file_read_at(bundle_fd, "config.json", JSON_SIZE_MAX, &findings->document,
		    &findings->length, err) < 0)
		return fail_while(err, "bundle %s", bundle);
	if (json_read(&oci_config_type, &config, findings->document, findings->length,
		    &reading, &wrong) < 0)
		add_finding(findings, false, wrong.text);
	else if (config_validate(&config, &rules, &wrong) == 0)
		check_host(&host);
	return 0;
}

static int check_command(const struct command_call *call, struct error *err)
{
	const char *directory = call->argc ? call->argv[0] : ".";
	auto_free char *bundle = realpath(directory, NULL);
	auto_fd bundle_fd = -1;
	struct findings findings = {
		.strict = ((const struct runtime_options *)call->global)->strict,
	};
	int result;

	if (!bundle)
		return fail_errno(err, "bundle %s", directory);
	if (cgroup_has_systemd() && call_driver(call, err) < 0)
		return -1;
	bundle_fd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bundle_fd < 0)
		return fail_errno(err, "bundle %s", bundle);
	if (check_config(call, bundle, bundle_fd, &findings, err) < 0)
		return -1;
	if (!findings.problems)
		str_append(
			&findings.text, "nothing stands against running this bundle\n");
	*call->ret_status = findings.problems ? 1 : 0;
	result = call_print(&findings.text, err);
	str_free(&findings.text);
	free(findings.document);
	return result;
}

const struct command command_check = {
	.name = "check",
	.operands = "[BUNDLE]",
	.summary = "tell everything that is wrong with a bundle",
	.details =
		"Reads config.json and compares it with the specification, also where "
		"its members must fit together, and with what this kernel and this user "
		"can do. Nothing is created, so that what shows only in the doing is "
		"not found: options of file systems, values of sysctls, limits below what "
		"the container needs. Each problem is one line with its place; "
		"misspelt members come with a suggestion, and with --strict they are "
		"problems too. The exit status is 1 where there is a problem.",
	.operands_max = 1,
	.run = check_command,
};
