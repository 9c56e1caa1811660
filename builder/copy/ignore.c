/*
 * The rules of a .dockerignore. Each is one glob; a rule also covers what lies below the
 * directories that it matches; the last rule that speaks decides.
 */
#include "builder/copy/ignore.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"

#define FILE_SIZE_MAX (1u << 20)

void ignore_free(struct ignore *ignore)
{
	for (size_t i = 0; i < ignore->count; i++)
		glob_free(&ignore->rules[i].glob);
	free(ignore->rules);
	*ignore = (struct ignore){ 0 };
}

static bool is_space(char c)
{
	return c && strchr(" \t\r\n\v\f", c);
}

static char *trim(const char *text, size_t length)
{
	while (length > 0 && is_space(*text)) {
		text++;
		length--;
	}
	while (length > 0 && is_space(text[length - 1]))
		length--;
	return str_dup_n(text, length);
}

/* As Go's filepath.Clean, and without the leading slash: patterns begin at the context. */
static char *clean(const char *pattern)
{
	auto_free char *rooted = str_format("/%s", pattern);
	auto_free char *cleaned = path_clean(rooted);

	/* "../x" is beneath no context: it must match nothing, not x. */
	if (strcmp(pattern, "..") == 0 || str_after(pattern, "../"))
		return str_dup(pattern);
	return str_dup(cleaned + 1);
}

int ignore_add(struct ignore *ignore, const char *pattern, struct error *err)
{
	struct ignore_rule rule = { 0 };
	auto_free char *text = NULL;
	auto_free char *cleaned = NULL;

	if (*pattern == '!') {
		rule.exception = true;
		pattern++;
	}
	text = trim(pattern, strlen(pattern));
	if (!*text)
		return rule.exception ? fail(err, "\"!\" stands alone") : 0;
	cleaned = clean(text);
	if (!*cleaned) /* "/" and "." are the context itself, which stays */
		return 0;
	if (glob_compile(cleaned, &rule.glob, err) < 0)
		return -1;
	ignore->rules = str_grow(ignore->rules, ignore->count, sizeof(*ignore->rules));
	ignore->rules[ignore->count++] = rule;
	return 0;
}

int ignore_parse(struct ignore *ignore, const char *name, const char *text, size_t length,
	struct error *err)
{
	const char *end = text + length;

	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		text += 3;
	for (unsigned number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		auto_free char *line = trim(text, (size_t)(stop - text));

		/* Only a "#" in the first column begins a comment. */
		if (*line && *text != '#' && ignore_add(ignore, line, err) < 0)
			return fail_while(err, "%s:%u", name, number);
		text = stop + 1;
	}
	return 0;
}

/* false: there is no such file. */
static int try_read(struct ignore *ret, int context_fd, const char *name, bool *ret_found,
	struct error *err)
{
	struct fd_read_options options = { FILE_SIZE_MAX, .regular_only = true };
	auto_fd fd = path_try_open_in_root(context_fd, name, O_RDONLY | O_NONBLOCK, 0);
	auto_free char *text = NULL;
	size_t length;

	*ret_found = fd >= 0;
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return fail_errno(err, "opening %s", name);
	if (fd < 0)
		return 0;
	if (fd_read_all(fd, name, options, &text, &length, err) < 0)
		return -1;
	return ignore_parse(ret, name, text, length, err);
}

int ignore_read(
	struct ignore *ret, int context_fd, const char *mockerfile, struct error *err)
{
	static const char *const suffixes[] = { ".mockerignore", ".dockerignore" };
	auto_ignore ignore = { 0 };
	bool found = false;

	for (size_t i = 0; mockerfile && i < ARRAY_SIZE(suffixes) && !found; i++) {
		auto_free char *name = str_format("%s%s", mockerfile, suffixes[i]);

		if (try_read(&ignore, context_fd, name, &found, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes) && !found; i++)
		if (try_read(&ignore, context_fd, suffixes[i], &found, err) < 0)
			return -1;
	*ret = ignore;
	ignore = (struct ignore){ 0 };
	return 0;
}

struct ignore_level ignore_descend(
	const struct ignore *ignore, const struct ignore_level *parent, const char *path)
{
	struct ignore_level level = { 0 };

	if (!ignore || ignore->count == 0)
		return level;
	level.matched = str_alloc(ignore->count * sizeof(*level.matched));
	for (size_t i = 0; i < ignore->count; i++) {
		const struct ignore_rule *rule = &ignore->rules[i];

		level.matched[i] = (parent && parent->matched && parent->matched[i]) ||
				   glob_matches(&rule->glob, path);
		if (level.matched[i])
			level.ignored = !rule->exception;
	}
	return level;
}

void ignore_level_free(struct ignore_level *level)
{
	free(level->matched);
	*level = (struct ignore_level){ 0 };
}

bool ignore_matches(const struct ignore *ignore, const char *path)
{
	struct ignore_level level = { 0 };
	bool ignored;

	for (const char *end = path; *end;) {
		struct ignore_level below;
		auto_free char *prefix = NULL;

		end += strcspn(end, "/");
		prefix = str_dup_n(path, (size_t)(end - path));
		below = ignore_descend(ignore, &level, prefix);
		ignore_level_free(&level);
		level = below;
		end += *end == '/';
	}
	ignored = level.ignored;
	ignore_level_free(&level);
	return ignored;
}

/* An exception reaches below "a/b" if its fixed beginning lies below it, or ends on the
 * way there. */
static bool may_reach(const struct ignore_rule *rule, const char *directory)
{
	const char *prefix = rule->glob.prefix;
	size_t length = strlen(directory), common = MIN(strlen(prefix), length);

	if (strncmp(prefix, directory, common) != 0)
		return false;
	if (strlen(prefix) > length)
		return prefix[length] == '/';
	return !rule->glob.literal;
}

bool ignore_may_except_below(const struct ignore *ignore, const char *directory)
{
	for (size_t i = 0; ignore && i < ignore->count; i++)
		if (ignore->rules[i].exception && may_reach(&ignore->rules[i], directory))
			return true;
	return false;
}
