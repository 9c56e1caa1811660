/* COPY and ADD: sources, heredocs and destination, flags. */
#include <string.h>

#include "base/path.h"
#include "builder/copy/mode.h"
#include "builder/digest.h"
#include "builder/git/git.h"
#include "builder/language/expand.h"
#include "builder/language/heredoc.h"
#include "builder/language/step_internal.h"

static const char *scope_lookup(void *argument, const char *name)
{
	return scope_get(argument, name);
}

static const struct heredoc *find_heredoc(
	const struct instruction *instruction, const char *name)
{
	for (size_t i = 0; i < instruction->heredoc_count; i++)
		if (strcmp(instruction->heredocs[i].name, name) == 0)
			return &instruction->heredocs[i];
	return NULL;
}

static int add_text(struct step_context *context, const struct token *token,
	const struct heredoc *heredoc)
{
	struct copy_request *copy = &context->step->copy;
	struct expand_options options = {
		.escape = context->instruction->line.escape,
		.no_quotes = true,
		.lookup = scope_lookup,
		.argument = context->scope,
		.unset = &context->scope->unset,
	};
	char *content = NULL;

	if (!heredoc->expand)
		content = str_dup(heredoc->content);
	else if (expand_word(heredoc->content, &options, &content, context->err) < 0)
		return span_fail_while(
			instruction_span(context->instruction, token), context->err);
	copy->texts =
		str_realloc(copy->texts, copy->text_count + 1, sizeof(*copy->texts));
	copy->texts[copy->text_count++] =
		(struct copy_text){ .name = str_dup(heredoc->name), .content = content };
	return 0;
}

static int check_source(
	struct step_context *context, const struct token *token, const char *source)
{
	const struct instruction *instruction = context->instruction;
	bool git = copy_source_is_git(source);
	auto_git_source repository = { 0 };

	if (!*source)
		return instruction_fail(instruction, token, context->err,
			"the source \"%s\" is empty once its variables are replaced",
			token->text);
	if ((git || copy_source_is_url(source)) && instruction->kind == INSTRUCTION_COPY)
		return instruction_fail(instruction, token, context->err,
			"COPY takes files of the build context; ADD fetches URLs and repositories");
	if (git && git_source_parse(source, &repository, context->err) < 0)
		return span_fail_while(
			instruction_span(instruction, token), context->err);
	return 0;
}

static bool is_begin_of_commit(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length < GIT_COMMIT_MAX &&
	       strspn(text, "0123456789abcdefABCDEF") == length;
}

/* --checksum is of one URL or of one repository. */
static int check_checksum(struct step_context *context)
{
	const struct copy_request *copy = &context->step->copy;
	const struct token *token = step_flag_token(context->instruction, "checksum");
	bool one = copy->sources.count == 1 && copy->text_count == 0;
	struct digest digest;

	if (!copy->checksum)
		return 0;
	if (one && copy_source_is_git(copy->sources.items[0])) {
		if (is_begin_of_commit(copy->checksum))
			return 0;
		return instruction_fail(context->instruction, token, context->err,
			"--checksum of a repository is a commit, or how it begins, not \"%s\"",
			copy->checksum);
	}
	if (!digest_parse(copy->checksum, &digest))
		return instruction_fail(context->instruction, token, context->err,
			"--checksum is sha256: and 64 hexadecimal digits, not \"%s\"",
			copy->checksum);
	if (!one || !copy_source_is_url(copy->sources.items[0]))
		return instruction_fail(context->instruction, token, context->err,
			"--checksum is for one source that is a URL or a repository");
	return 0;
}

static int read_source(struct step_context *context, const struct token *token)
{
	struct heredoc word = { 0 };
	const struct heredoc *heredoc = NULL;
	char *source;

	if (!context->instruction->json && heredoc_parse_word(token->text, &word)) {
		heredoc = find_heredoc(context->instruction, word.name);
		free(word.name);
	}
	if (heredoc)
		return add_text(context, token, heredoc);
	if (step_expand(context, token, &source) < 0)
		return -1;
	strings_add_take(&context->step->copy.sources, source);
	return check_source(context, token, source);
}

/* "" is the working directory, too. */
static bool names_directory(const char *path)
{
	return !*path || str_ends_with(path, "/") || strcmp(path, ".") == 0;
}

static int read_destination(struct step_context *context, const struct token *token)
{
	auto_free char *text = NULL;
	auto_free char *joined = NULL;
	auto_free char *clean = NULL;

	if (!context->instruction->json && heredoc_parse_word(token->text, NULL))
		return instruction_fail(context->instruction, token, context->err,
			"the destination cannot be a heredoc");
	if (step_expand(context, token, &text) < 0)
		return -1;
	joined = *text == '/' ? str_dup(text) : path_join(context->scope->workdir, text);
	clean = path_clean(joined);
	context->step->copy.destination = names_directory(text) && strcmp(clean, "/") != 0
						  ? str_format("%s/", clean)
						  : take_ptr(&clean);
	return 0;
}

/* --exclude may stand several times. */
static int read_excludes(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;

	for (size_t i = 0; i < instruction->flags.count; i++) {
		struct token token = instruction->flags.items[i];
		const char *value = str_after(token.text, "exclude=");
		char *pattern;

		if (!value)
			continue;
		token.text = (char *)value;
		if (step_expand(context, &token, &pattern) < 0)
			return -1;
		strings_add_take(&context->step->copy.exclude, pattern);
	}
	return 0;
}

static int read_from(struct step_context *context)
{
	const char *from = instruction_flag(context->instruction, "from");

	if (from && strchr(from, '$'))
		return instruction_fail(context->instruction,
			step_flag_token(context->instruction, "from"), context->err,
			"--from takes no variables; give the stage a name with FROM ... AS");
	context->step->copy.from = str_dup(from);
	return 0;
}

/* A linked copy knows nothing of the image's users. */
static int check_link(struct step_context *context)
{
	const struct copy_request *copy = &context->step->copy;

	if (!copy->link || !copy->chown ||
		strspn(copy->chown, "0123456789:") == strlen(copy->chown))
		return 0;
	return instruction_fail(context->instruction,
		step_flag_token(context->instruction, "chown"), context->err,
		"with --link, --chown takes numbers only: \"%s\" is looked up in no image",
		copy->chown);
}

static int check_mode(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;
	const char *text = context->step->copy.chmod;
	struct mode_change mode;

	if (!text || mode_parse(text, &mode, context->err) == 0)
		return 0;
	(void)!fail_while(context->err, "--chmod");
	return span_fail_while(
		instruction_span(instruction, step_flag_token(instruction, "chmod")),
		context->err);
}

/* A variable that has no value asks for nothing. */
static void drop_empty(char **text)
{
	if (*text && !**text)
		free(take_ptr(text));
}

static int read_flags(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;
	struct copy_request *copy = &context->step->copy;

	copy->link = step_flag_is_set(instruction, "link");
	copy->parents = step_flag_is_set(instruction, "parents");
	copy->keep_git_dir = step_flag_is_set(instruction, "keep-git-dir");
	copy->has_unpack = instruction_flag(instruction, "unpack") != NULL;
	copy->unpack =
		copy->has_unpack ? step_flag_is_set(instruction, "unpack") : copy->add;
	if (read_from(context) < 0 || read_excludes(context) < 0 ||
		step_expand_flag(context, "chown", &copy->chown) < 0 ||
		step_expand_flag(context, "chmod", &copy->chmod) < 0 ||
		step_expand_flag(context, "checksum", &copy->checksum) < 0)
		return -1;
	drop_empty(&copy->chown);
	drop_empty(&copy->chmod);
	if (check_mode(context) < 0 || check_link(context) < 0)
		return -1;
	return check_checksum(context);
}

int step_make_copy(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;
	size_t last = instruction->arguments.count - 1;

	context->step->copy.add = instruction->kind == INSTRUCTION_ADD;
	for (size_t i = 0; i < last; i++)
		if (read_source(context, &instruction->arguments.items[i]) < 0)
			return -1;
	if (read_destination(context, &instruction->arguments.items[last]) < 0 ||
		read_flags(context) < 0)
		return -1;
	if (last > 1 && !str_ends_with(context->step->copy.destination, "/"))
		return instruction_fail(instruction, &instruction->arguments.items[last],
			context->err, "several sources need a directory: write \"%s/\"",
			instruction->arguments.items[last].text);
	return 0;
}
