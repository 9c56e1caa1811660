/* Variables in arguments: the whole table of forms, quotes and escapes. */
#include "builder/language/expand.h"
#include "builder/language/pattern.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static const char *lookup(void *argument, const char *name)
{
	static const char *const variables[][2] = {
		{ "PWD", "/home" },
		{ "SHELL", "bash" },
		{ "EMPTY", "" },
		{ "WORDS", "one  two" },
		{ "FILE", "archive.tar.gz" },
		{ "DEEP", "/usr/local/bin/tool" },
		{ "STARS", "a*b*c" },
		{ "KOREAN", "\xED\x95\x9C\xEA\xB5\xAD" },
		{ "A_1", "under" },
	};

	(void)argument;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (strcmp(variables[i][0], name) == 0)
			return variables[i][1];
	return NULL;
}

struct row {
	const char *text;
	const char *expected; /* of an error: the part of it after "!" */
};

/* clang-format off */
static const struct row word_rows[] = {
	/* plain text, quotes, escapes */
	{ "hello", "hello" },
	{ "", "" },
	{ "he'll'o", "hello" },
	{ "he'llo", "!single quote is not closed" },
	{ "he\\'llo", "he'llo" },
	{ "he\\\\'llo", "!single quote is not closed" },
	{ "\"\"", "" },
	{ "\"", "!double quote is not closed" },
	{ "\"he'llo\"", "he'llo" },
	{ "'he\"llo'", "he\"llo" },
	{ "\"h\\\"i\"", "h\"i" },
	{ "\"h\\i\"", "h\\i" },
	{ "\"h\\\\i\"", "h\\i" },
	{ "\"h\\$PWD\"", "h$PWD" },
	{ "'h\\i'", "h\\i" },
	{ "a\\ b", "a b" },
	{ "a\\", "a" },
	{ "\\$PWD", "$PWD" },
	{ "\\\\$PWD", "\\/home" },
	{ "'$PWD'", "$PWD" },
	{ "\"$PWD\"", "/home" },
	{ "  spaces  stay  ", "  spaces  stay  " },

	/* $v and ${v} */
	{ "$PWD", "/home" },
	{ "$PWD/x", "/home/x" },
	{ "$PWD.x", "/home.x" },
	{ "$PWDx", "" },
	{ "${PWD}x", "/homex" },
	{ "$A_1", "under" },
	{ "$", "$" },
	{ "$ x", "$ x" },
	{ "a$", "a$" },
	{ "$.", "$." },
	{ "$1x", "x" },
	{ "$12x", "x" },
	{ "$$", "" },
	{ "$@", "" },
	{ "${}", "!bad substitution" },
	{ "${{x}}", "!bad substitution" },
	{ "${:x}", "!bad substitution" },
	{ "${PWD", "!no closing }" },
	{ "${", "!no closing }" },
	{ "${PWD!x}", "!is no substitution" },
	{ "${PWD:#x}", "!is no substitution" },

	/* :- and - */
	{ "${NONE:-w}", "w" },
	{ "${NONE-w}", "w" },
	{ "${EMPTY:-w}", "w" },
	{ "${EMPTY-w}", "" },
	{ "${PWD:-w}", "/home" },
	{ "${NONE:-}", "" },
	{ "${NONE:-$SHELL}", "bash" },
	{ "${NONE:-${OTHER:-${PWD}}}", "/home" },
	{ "${NONE:-a b}", "a b" },
	{ "${NONE:-'a}b'}", "a}b" },
	{ "${NONE:-a\\}b}", "a}b" },
	{ "${NONE:-\"$PWD\"}", "/home" },
	{ "${NONE:-{}", "{" },
	{ "${NONE:-x", "!no closing }" },

	/* :+ and + */
	{ "${PWD:+w}", "w" },
	{ "${NONE:+w}", "" },
	{ "${EMPTY:+w}", "" },
	{ "${EMPTY+w}", "w" },
	{ "${NONE+w}", "" },

	/* :? and ? */
	{ "${PWD:?no}", "/home" },
	{ "${NONE:?where is it}", "!NONE: where is it" },
	{ "${NONE?}", "!NONE: is not allowed to be unset" },
	{ "${EMPTY:?}", "!EMPTY: is not allowed to be empty" },
	{ "${EMPTY?x}", "" },

	/* # ## % %% */
	{ "${FILE#*.}", "tar.gz" },
	{ "${FILE##*.}", "gz" },
	{ "${FILE%.*}", "archive.tar" },
	{ "${FILE%%.*}", "archive" },
	{ "${FILE#archive}", ".tar.gz" },
	{ "${FILE#nothing}", "archive.tar.gz" },
	{ "${FILE%.gz}", "archive.tar" },
	{ "${FILE%gz.}", "archive.tar.gz" },
	{ "${DEEP##*/}", "tool" },
	{ "${DEEP%/*}", "/usr/local/bin" },
	{ "${DEEP#/*/}", "local/bin/tool" },
	{ "${DEEP##/*/}", "tool" },
	{ "${DEEP#*}", "/usr/local/bin/tool" },
	{ "${DEEP##*}", "" },
	{ "${FILE#?}", "rchive.tar.gz" },
	{ "${FILE%?}", "archive.tar.g" },
	{ "${KOREAN#?}", "\xEA\xB5\xAD" },
	{ "${KOREAN%?}", "\xED\x95\x9C" },
	{ "${STARS#a\\*}", "b*c" },
	{ "${STARS%\\**}", "a*b" },
	{ "${NONE#x}", "" },
	{ "${FILE#a\\q}", "!\\ stands before" },
	{ "${FILE#$NONE}", "archive.tar.gz" },
	{ "${FILE%.$NONE*}", "archive.tar" },

	/* / and // */
	{ "${FILE/a/o}", "orchive.tar.gz" },
	{ "${FILE//a/o}", "orchive.tor.gz" },
	{ "${FILE/./}", "archivetar.gz" },
	{ "${FILE//.*/}", "archive" },
	{ "${FILE//?/x}", "xxxxxxxxxxxxxx" },
	{ "${DEEP//\\//:}", ":usr:local:bin:tool" },
	{ "${DEEP/\\/usr/}", "/local/bin/tool" },
	{ "${FILE/nothing/x}", "archive.tar.gz" },
	{ "${FILE//r/$SHELL}", "abashchive.tabash.gz" },
	{ "${FILE/a}", "!no closing /" },
	{ "${FILE/a/b", "!no closing }" },
	{ "${STARS//\\*/-}", "a-b-c" },
	{ "${NONE/a/b}", "" },
};

static const struct row words_rows[] = { /* "|" between the words expected */
	{ "a b  c", "a|b|c" },
	{ "  a  ", "a" },
	{ "", "" },
	{ "'a b' c", "a b|c" },
	{ "\"a b\"c", "a bc" },
	{ "a\\ b", "a b" },
	{ "$WORDS", "one|two" },
	{ "\"$WORDS\"", "one  two" },
	{ "x${WORDS}y", "xone|twoy" },
	{ "${NONE:-1 2}", "1|2" },
	{ "''", "" },
	{ "'' x", "x" },
	{ "$EMPTY x", "x" },
	{ "a\tb", "a|b" },
};
/* clang-format on */

static void check_row(
	const struct row *row, int result, const char *got, struct error *err)
{
	bool fails = row->expected[0] == '!';

	if (!CHECK_INT(result, fails ? -1 : 0))
		test_check_str(__FILE__, __LINE__, row->text, result ? err->text : got,
			row->expected);
	else if (fails)
		test_check_has(
			__FILE__, __LINE__, row->text, err->text, row->expected + 1);
	else
		test_check_str(__FILE__, __LINE__, row->text, got, row->expected);
}

static void words_are_expanded(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(word_rows); i++) {
		struct expand_options options = { .escape = '\\', .lookup = lookup };
		auto_free char *got = NULL;
		struct error err = { 0 };
		int result = expand_word(word_rows[i].text, &options, &got, &err);

		check_row(&word_rows[i], result, got, &err);
	}
}

static void words_are_split(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(words_rows); i++) {
		struct expand_options options = { .escape = '\\', .lookup = lookup };
		auto_strings words = { 0 };
		struct error err = { 0 };
		int result = expand_words(words_rows[i].text, &options, &words, &err);
		auto_free char *joined = strings_join(&words, "|");

		check_row(&words_rows[i], result, joined, &err);
	}
}

static void the_backtick_can_be_the_escape(void)
{
	struct expand_options options = { .escape = '`', .lookup = lookup };
	auto_free char *got = NULL;
	struct error err;

	CHECK_OK(expand_word("C:\\x `$PWD \"`\"\" ${NONE:-a`}b}", &options, &got, &err),
		&err);
	CHECK_STR(got, "C:\\x $PWD \" a}b");
}

static void heredocs_keep_their_quotes(void)
{
	struct expand_options options = {
		.escape = '\\', .lookup = lookup, .no_quotes = true
	};
	auto_free char *got = NULL;
	struct error err;

	CHECK_OK(expand_word("it's \"$PWD\" \\$PWD\n", &options, &got, &err), &err);
	CHECK_STR(got, "it's \"/home\" $PWD\n");
}

static void names_without_value_are_reported_once(void)
{
	auto_strings unset = { 0 };
	struct expand_options options = {
		.escape = '\\', .lookup = lookup, .unset = &unset
	};
	auto_free char *got = NULL;
	auto_free char *joined = NULL;
	struct error err;

	CHECK_OK(expand_word("$X $Y ${X} $PWD", &options, &got, &err), &err);
	joined = strings_join(&unset, " ");
	CHECK_STR(joined, "X Y");
}

static char *big;

static const char *big_lookup(void *argument, const char *name)
{
	(void)argument;
	(void)name;
	return big;
}

static void bombs_end_soon(void)
{
	struct expand_options options = { .escape = '\\', .lookup = big_lookup };
	auto_free char *got = NULL;
	auto_free char *owner = str_alloc(300001);
	auto_str deep = { 0 };
	struct error err;

	big = memset(owner, 'a', 300000);
	CHECK_FAILS(
		expand_word("$a$a$a$a", &options, &got, &err), &err, "more than 1 MiB");
	CHECK_OK(expand_word("${a//*a*a*a*a*b/x}", &options, &got, &err), &err);
	CHECK_INT(strlen(got), 300000);
	free(got);
	got = NULL;
	CHECK_OK(expand_word("${a%%*a*b}", &options, &got, &err), &err);
	free(got);
	got = NULL;
	for (int i = 0; i < 100000; i++)
		str_append(&deep, "${a+");
	CHECK_FAILS(
		expand_word(deep.data, &options, &got, &err), &err, "nested more than");
}

static const struct test tests[] = {
	{ "a word's variables, quotes and escapes are replaced", words_are_expanded },
	{ "words are split outside of quotes, also those that variables bring",
		words_are_split },
	{ "the backtick can be the escape character", the_backtick_can_be_the_escape },
	{ "a heredoc keeps its quotes", heredocs_keep_their_quotes },
	{ "names without a value are reported once",
		names_without_value_are_reported_once },
	{ "expressions that explode end soon", bombs_end_soon },
};

TEST_MAIN(tests)
