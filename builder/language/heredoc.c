/*
 * A heredoc's word is [FD]<<[-]NAME. A name in quotes asks that its text is not expanded.
 * `<<-` drops tabs at the begin of its lines.
 */
#include "builder/language/heredoc.h"

#include <ctype.h>
#include <string.h>

#include "builder/language/expand.h"

/* One word exactly, quotes removed or kept. */
static char *unquote(const char *text, bool keep_quotes)
{
	struct expand_options options = {
		.escape = '\\',
		.keep_quotes = keep_quotes,
		.keep_escapes = keep_quotes,
		.keep_unset = true,
	};
	auto_strings words = { 0 };
	struct error ignored;

	if (expand_words(text, &options, &words, &ignored) < 0 || words.count != 1)
		return NULL;
	return str_dup(words.items[0]);
}

bool heredoc_parse_word(const char *word, struct heredoc *ret_heredoc)
{
	struct heredoc heredoc = { 0 };
	auto_free char *name = NULL;
	auto_free char *raw = NULL;

	while (isdigit((unsigned char)*word))
		word++;
	word = str_after(word, "<<");
	if (!word)
		return false;
	if (*word == '-') {
		heredoc.chomp = true;
		word++;
	}
	if (!*word || strchr(word, '<'))
		return false;
	name = unquote(word, false);
	raw = unquote(word, true);
	if (!name || !raw)
		return false;
	heredoc.expand = strcmp(name, raw) == 0;
	if (ret_heredoc) {
		heredoc.name = take_ptr(&name);
		*ret_heredoc = heredoc;
	}
	return true;
}

/* Where the n-th "<<" of the line stands, for the caret. */
static struct token find_mark(const struct line *line, const char *name)
{
	const char *at = line->text;
	struct token token = { .offset = 0, .width = 2 };

	while ((at = strstr(at, "<<"))) {
		token.offset = (size_t)(at - line->text);
		at += 2;
		if (strncmp(at + strspn(at, "-'\""), name, strlen(name)) == 0) {
			token.width = 2 + strspn(at, "-'\"") + strlen(name);
			break;
		}
	}
	return token;
}

static int read_body(struct lexer *lexer, struct instruction *instruction,
	struct heredoc heredoc, struct error *err)
{
	bool terminated;

	heredoc.content =
		lexer_read_heredoc(lexer, heredoc.name, heredoc.chomp, &terminated);
	instruction->line.last = lexer->next - 1;
	instruction->heredocs = str_realloc(instruction->heredocs,
		instruction->heredoc_count + 1, sizeof(*instruction->heredocs));
	instruction->heredocs[instruction->heredoc_count++] = heredoc;
	if (!terminated) {
		struct token mark = find_mark(&instruction->line, heredoc.name);

		return instruction_fail(instruction, &mark, err,
			"the heredoc has no end: no line is \"%s\"", heredoc.name);
	}
	return 0;
}

static const struct instruction *innermost(const struct instruction *instruction)
{
	while (instruction->trigger)
		instruction = instruction->trigger;
	return instruction;
}

int heredoc_read_all(
	struct lexer *lexer, struct instruction *instruction, struct error *err)
{
	struct expand_options options = { .escape = '\\',
		.keep_quotes = true,
		.keep_escapes = true,
		.keep_unset = true };
	const struct instruction *inner = innermost(instruction);
	auto_strings words = { 0 };
	struct error ignored;

	if (!inner->rule->heredocs || inner->json ||
		!strstr(instruction->line.text, "<<"))
		return 0;
	/* What is no sequence of words to us is the shell's to judge. */
	if (expand_words(instruction->line.text, &options, &words, &ignored) < 0)
		return 0;
	strings_each (word, &words) {
		struct heredoc heredoc;

		if (heredoc_parse_word(*word, &heredoc) &&
			read_body(lexer, instruction, heredoc, err) < 0)
			return -1;
	}
	return 0;
}
