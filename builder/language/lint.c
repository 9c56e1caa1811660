/*
 * One function per rule, one table of rules. A rule looks at the whole file, stage by
 * stage; findings are sorted by line at the end.
 */
#include "builder/language/lint.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "builder/copy/glob.h"
#include "builder/copy/request.h"
#include "builder/language/lint_internal.h"

void lint_report(struct lint *lint, const struct instruction *instruction,
	const struct token *token, const char *format, ...)
{
	struct lint_findings *findings = lint->findings;
	auto_str message = { 0 };
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(&message, format, arguments);
	va_end(arguments);
	findings->items = str_realloc(
		findings->items, findings->count + 1, sizeof(*findings->items));
	findings->items[findings->count++] = (struct lint_finding){
		.rule = lint->rule,
		.message = str_take(&message),
		.span = instruction_span(instruction, token),
	};
}

static bool is_lower(const char *text)
{
	for (; *text; text++)
		if (isupper((unsigned char)*text))
			return false;
	return true;
}

static bool is_upper(const char *text)
{
	for (; *text; text++)
		if (islower((unsigned char)*text))
			return false;
	return true;
}

/* ---- names and their case ---- */

static void stage_name_casing(struct lint *lint)
{
	instructions_each (item, lint->file) {
		const struct token *name = &item->arguments.items[2];

		if (item->kind == INSTRUCTION_FROM && item->arguments.count == 3 &&
			!is_lower(name->text))
			lint_report(lint, item, name,
				"Stage name '%s' should be lowercase", name->text);
	}
}

static void from_as_casing(struct lint *lint)
{
	instructions_each (item, lint->file) {
		const struct token *as = &item->arguments.items[1];

		if (item->kind == INSTRUCTION_FROM && item->arguments.count == 3 &&
			is_lower(item->name) != is_lower(as->text))
			lint_report(lint, item, as,
				"'%s' and '%s' keywords' casing do not match", as->text,
				item->name);
	}
}

static void consistent_instruction_casing(struct lint *lint)
{
	size_t lower = 0, upper = 0;

	instructions_each (item, lint->file) {
		lower += is_lower(item->name);
		upper += is_upper(item->name);
	}
	instructions_each (item, lint->file)
		if (lower > upper ? !is_lower(item->name) : !is_upper(item->name))
			lint_report(lint, item, NULL,
				"Command '%s' should match the case of the command majority (%s)",
				item->name, lower > upper ? "lowercase" : "uppercase");
}

static void duplicate_stage_name(struct lint *lint)
{
	for (size_t i = 1; i < lint->plan->stage_count; i++)
		for (size_t j = 0; j < i && lint->plan->stages[i].name; j++)
			if (str_equal(lint->plan->stages[i].name,
				    lint->plan->stages[j].name)) {
				lint_report(lint, lint->plan->stages[i].from, NULL,
					"Duplicate stage name \"%s\", stage names should be unique",
					lint->plan->stages[i].name);
				break;
			}
}

static void reserved_stage_name(struct lint *lint)
{
	for (size_t i = 0; i < lint->plan->stage_count; i++) {
		const struct stage *stage = &lint->plan->stages[i];

		if (str_equal(stage->name, "scratch") ||
			str_equal(stage->name, "context"))
			lint_report(lint, stage->from, NULL,
				"Stage name should not use the same name as reserved stage \"%s\"",
				stage->name);
	}
}

/* ---- forms ---- */

static void no_empty_continuation(struct lint *lint)
{
	instructions_each (item, lint->file)
		if (item->line.has_empty_continuation)
			lint_report(lint, item, NULL, "Empty continuation line");
}

static void maintainer_deprecated(struct lint *lint)
{
	instructions_each (item, lint->file)
		if (item->kind == INSTRUCTION_MAINTAINER)
			lint_report(lint, item, NULL,
				"Maintainer instruction is deprecated in favor of using label");
}

static void legacy_key_value_format(struct lint *lint)
{
	instructions_each (item, lint->file)
		if (item->old_pair)
			lint_report(lint, item, NULL,
				"\"%s key=value\" should be used instead of legacy \"%s key value\" format",
				item->rule->name, item->rule->name);
}

static bool is_command(const struct instruction *instruction)
{
	return instruction->kind == INSTRUCTION_CMD ||
	       instruction->kind == INSTRUCTION_ENTRYPOINT;
}

static void empty_command(struct lint *lint)
{
	instructions_each (item, lint->file)
		if (item->rule->may_be_bare && !item->json &&
			!*item->arguments.items[0].text)
			lint_report(lint, item, NULL,
				"%s has no command: the shell is started for nothing",
				item->rule->name);
}

/* Who has chosen a shell has chosen to use it. */
static void json_args_recommended(struct lint *lint)
{
	bool own_shell = false;

	instructions_each (item, lint->file) {
		if (item->kind == INSTRUCTION_FROM)
			own_shell = false;
		own_shell |= item->kind == INSTRUCTION_SHELL;
		if (is_command(item) && !item->json && !own_shell)
			lint_report(lint, item, NULL,
				"JSON arguments recommended for %s to prevent unintended behavior related to OS signals",
				item->rule->name);
	}
}

/* The earlier ones are those without effect. */
static void multiple_instructions_disallowed(struct lint *lint)
{
	const struct instruction *last[INSTRUCTION_KINDS] = { 0 };

	instructions_each (item, lint->file) {
		if (item->kind == INSTRUCTION_FROM)
			memset(last, 0, sizeof(last));
		if (!is_command(item) && item->kind != INSTRUCTION_HEALTHCHECK)
			continue;
		if (last[item->kind])
			lint_report(lint, last[item->kind], NULL,
				"Multiple %s instructions should not be used in the same stage because only the last one will be used",
				item->rule->name);
		last[item->kind] = item;
	}
}

static void expose_format(struct lint *lint, bool casing)
{
	instructions_each (item, lint->file) {
		for (size_t i = 0;
			item->kind == INSTRUCTION_EXPOSE && i < item->arguments.count;
			i++) {
			const struct token *port = &item->arguments.items[i];
			const char *protocol = strchr(port->text, '/');

			if (strchr(port->text, '$'))
				continue;
			if (casing && protocol && !is_lower(protocol))
				lint_report(lint, item, port,
					"Defined protocol '%s' in EXPOSE instruction should be lowercase",
					port->text);
			if (!casing && strchr(port->text, ':'))
				lint_report(lint, item, port,
					"EXPOSE instruction should not define an IP address or host-port mapping, found '%s'",
					port->text);
		}
	}
}

static void expose_proto_casing(struct lint *lint)
{
	expose_format(lint, true);
}

static void expose_invalid_format(struct lint *lint)
{
	expose_format(lint, false);
}

/* ---- platforms ---- */

static bool is_variable(const char *text, const char *name)
{
	auto_free char *plain = str_format("$%s", name);
	auto_free char *braces = str_format("${%s}", name);

	return strcmp(text, plain) == 0 || strcmp(text, braces) == 0;
}

static void redundant_target_platform(struct lint *lint)
{
	instructions_each (item, lint->file) {
		const char *platform = instruction_flag(item, "platform");

		if (platform && is_variable(platform, "TARGETPLATFORM"))
			lint_report(lint, item, &item->flags.items[0],
				"Setting platform to predefined %s in FROM is redundant as this is the default behavior",
				platform);
	}
}

static void from_platform_flag_const(struct lint *lint)
{
	instructions_each (item, lint->file) {
		const char *platform = instruction_flag(item, "platform");

		if (platform && !strchr(platform, '$'))
			lint_report(lint, item, &item->flags.items[0],
				"FROM --platform flag should not use constant value \"%s\"",
				platform);
	}
}

/* ---- secrets and ignored files ---- */

static bool has_word(const char *name, const char *const *words, size_t count)
{
	auto_strings parts = { 0 };

	strings_split(&parts, name, '_');
	strings_each (part, &parts)
		for (size_t i = 0; i < count; i++)
			if (strcasecmp(*part, words[i]) == 0)
				return true;
	return false;
}

static bool is_secret(const char *name)
{
	static const char *const secret[] = {
		"apikey",
		"auth",
		"credential",
		"credentials",
		"key",
		"password",
		"pword",
		"passwd",
		"secret",
		"token",
	};
	static const char *const open[] = { "public" };

	return has_word(name, secret, ARRAY_SIZE(secret)) &&
	       !has_word(name, open, ARRAY_SIZE(open));
}

static void secrets_used_in_arg_or_env(struct lint *lint)
{
	instructions_each (item, lint->file) {
		size_t stride = item->kind == INSTRUCTION_ENV ? 2 : 1;

		if (item->kind != INSTRUCTION_ENV && item->kind != INSTRUCTION_ARG)
			continue;
		for (size_t i = 0; i < item->arguments.count; i += stride) {
			const struct token *token = &item->arguments.items[i];
			auto_free char *name =
				str_dup_n(token->text, strcspn(token->text, "="));

			if (is_secret(name))
				lint_report(lint, item, token,
					"Do not use ARG or ENV instructions for sensitive data (%s \"%s\")",
					item->rule->name, name);
		}
	}
}

static void copy_ignored_file(struct lint *lint)
{
	instructions_each (item, lint->file) {
		bool copies =
			item->kind == INSTRUCTION_COPY || item->kind == INSTRUCTION_ADD;

		if (!copies || !lint->ignore || instruction_flag(item, "from"))
			continue;
		for (size_t i = 0; i + 1 < item->arguments.count; i++) {
			const char *source = item->arguments.items[i].text;
			const char *path = source + strspn(source, "./");

			if (!*path || strchr(source, '$') || glob_is_special(source) ||
				copy_source_is_url(source) ||
				copy_source_is_git(source) || str_after(source, "<<"))
				continue;
			if (ignore_matches(lint->ignore, path) &&
				!ignore_may_except_below(lint->ignore, path))
				lint_report(lint, item, &item->arguments.items[i],
					"Attempting to %s file \"%s\" that is excluded by .dockerignore",
					item->kind == INSTRUCTION_COPY ? "Copy" : "Add",
					source);
		}
	}
}

/* ---- comments ---- */

/* What `# NAME ...` right above a stage or an ARG is: its description. */
static void check_description(
	struct lint *lint, const struct instruction *item, const struct strings *names)
{
	const char *comment, *name;
	size_t length;

	if (item->comments.count == 0 || names->count == 0)
		return;
	comment = item->comments.items[item->comments.count - 1];
	length = strcspn(comment, " ");
	strings_each (candidate, names)
		if (strlen(*candidate) == length &&
			strncmp(*candidate, comment, length) == 0)
			return;
	name = names->count > 1 ? "<arg_key>" : names->items[0];
	lint_report(lint, item, NULL,
		"Comment for %s should follow the format: `# %s <description>`",
		item->rule->name, name);
}

static void invalid_definition_description(struct lint *lint)
{
	instructions_each (item, lint->file) {
		auto_strings names = { 0 };

		if (item->kind == INSTRUCTION_FROM && item->arguments.count == 3)
			strings_add(&names, item->arguments.items[2].text);
		for (size_t i = 0;
			item->kind == INSTRUCTION_ARG && i < item->arguments.count; i++) {
			const char *text = item->arguments.items[i].text;

			strings_add_take(&names, str_dup_n(text, strcspn(text, "=")));
		}
		check_description(lint, item, &names);
	}
}

static const struct rule {
	const char *name;
	void (*check)(struct lint *lint);
	bool experimental; /* only where the file asks for it */
} rules[] = {
	{ "ConsistentInstructionCasing", consistent_instruction_casing },
	{ "CopyIgnoredFile", copy_ignored_file },
	{ "DuplicateStageName", duplicate_stage_name },
	{ "EmptyCommand", empty_command },
	{ "ExposeInvalidFormat", expose_invalid_format },
	{ "ExposeProtoCasing", expose_proto_casing },
	{ "FromAsCasing", from_as_casing },
	{ "FromPlatformFlagConstDisallowed", from_platform_flag_const },
	{ "InvalidDefaultArgInFrom", lint_invalid_default_arg_in_from },
	{ "InvalidDefinitionDescription", invalid_definition_description, true },
	{ "JSONArgsRecommended", json_args_recommended },
	{ "LegacyKeyValueFormat", legacy_key_value_format },
	{ "MaintainerDeprecated", maintainer_deprecated },
	{ "MultipleInstructionsDisallowed", multiple_instructions_disallowed },
	{ "NoEmptyContinuation", no_empty_continuation },
	{ "RedundantTargetPlatform", redundant_target_platform },
	{ "ReservedStageName", reserved_stage_name },
	{ "SecretsUsedInArgOrEnv", secrets_used_in_arg_or_env },
	{ "StageNameCasing", stage_name_casing },
	{ "UndefinedArgInFrom", lint_undefined_arg_in_from },
	{ "WorkdirRelativePath", lint_workdir_relative_path },
};

/* ---- "# check=" ---- */

static void apply_directive(const struct mockerfile *file, struct lint_findings *findings)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->count; i++)
		if (check_lists(&file->check.skip, findings->items[i].rule))
			free(findings->items[i].message);
		else
			findings->items[kept++] = findings->items[i];
	findings->count = kept;
	findings->fatal = kept > 0 && file->check.fatal;
}

static int compare(const void *left, const void *right)
{
	const struct lint_finding *a = left, *b = right;

	if (a->span.source != b->span.source)
		return strcmp(a->span.source->name, b->span.source->name);
	if (a->span.line != b->span.line)
		return a->span.line < b->span.line ? -1 : 1;
	return strcmp(a->rule, b->rule);
}

int lint_check(const struct mockerfile *file, const struct ignore *ignore,
	struct lint_findings *ret, struct error *err)
{
	auto_lint_findings findings = { 0 };
	auto_plan plan = { 0 };
	struct plan_options options = { .allow_empty = true };
	struct lint lint = {
		.file = file, .plan = &plan, .ignore = ignore, .findings = &findings
	};

	if (plan_make(file, &options, &plan, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].experimental &&
			!check_lists(&file->check.experimental, rules[i].name))
			continue;
		lint.rule = rules[i].name;
		rules[i].check(&lint);
	}
	if (lint_undefined_var(&lint, err) < 0)
		return -1;
	if (findings.count)
		qsort(findings.items, findings.count, sizeof(*findings.items), compare);
	apply_directive(file, &findings);
	*ret = findings;
	findings = (struct lint_findings){ 0 };
	return 0;
}

void lint_findings_free(struct lint_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->items[i].message);
	free(findings->items);
	*findings = (struct lint_findings){ 0 };
}

void lint_describe(struct str *str, const struct lint_finding *finding)
{
	auto_free char *message = str_format("%s: %s", finding->rule, finding->message);

	span_describe(str, finding->span, message);
	str_append_char(str, '\n');
}
