/* The addresses of repositories: which texts are some, and what they say. */
#include "base/cleanup.h"
#include "base/str.h"
#include "builder/git/git.h"
#include "tests/unit/test.h"

#include <string.h>

static void repositories_are_told_from_paths_and_files(void)
{
	static const char *const yes[] = {
		"https://host/a.git",
		"http://host:80/a/b.git#ref",
		"https://user@host/a.git?ref=x#y",
		"git://host/a",
		"ssh://git@host:22/a",
		"git@host:a/b.git",
		"some.one@host:a",
	};
	static const char *const no[] = {
		"https://host/a.tar.gz",
		"https://host/a.git/file",
		"http://host/a?x=.git",
		"a.git",
		"./git@host:a",
		"git@host",
		"git@host:",
		"git@host/a:b",
		"-u@host:a",
		"u@-host:a",
		"@host:a",
		"",
		"file:///a.git",
	};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		test_check_int(__FILE__, __LINE__, yes[i], git_source_is(yes[i]), 1);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		test_check_int(__FILE__, __LINE__, no[i], git_source_is(no[i]), 0);
}

struct row {
	const char *text;
	const char *expected; /* URL REF SUBDIR CHECKSUM, and flags; "!": of the error */
};

/* clang-format off */
static const struct row rows[] = {
	{ "https://h/a.git", "https://h/a.git - - -" },
	{ "https://h/a.git#main", "https://h/a.git main - -" },
	{ "https://h/a.git#main:sub/dir", "https://h/a.git main sub/dir -" },
	{ "https://h/a.git#:sub", "https://h/a.git - sub -" },
	{ "https://h/a.git#", "https://h/a.git - - -" },
	{ "https://h/a.git?branch=b", "https://h/a.git refs/heads/b - -" },
	{ "https://h/a.git?tag=t&subdir=s", "https://h/a.git refs/tags/t s -" },
	{ "https://h/a.git?ref=r&checksum=abc&keep-git-dir=1", "https://h/a.git r - abc keep" },
	{ "https://h/a.git?commit=abc&submodules=false#r", "https://h/a.git r - abc alone" },
	{ "https://h/a.git?keep-git-dir=0&submodules", "https://h/a.git - - -" },
	{ "git@h:a?b.git#r", "git@h:a?b.git r - -" },
	{ "https://h/a.git?ref=a#b", "!names the ref twice" },
	{ "https://h/a.git?subdir=a#:b", "!names the directory twice" },
	{ "https://h/a.git?rev=a", "!\"rev\" is not known in the address of a repository" },
	{ "https://h/a.git#-x", "!\"-x\" is no branch, tag or commit" },
	{ "https://h/a.git#a..b", "!\"a..b\" is no branch, tag or commit" },
	{ "https://h/a.git#a b", "!\"a b\" is no branch, tag or commit" },
	{ "git://h/a\nb", "!holds a control character" },
};
/* clang-format on */

static void addresses_are_taken_apart(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_git_source source = { 0 };
		auto_free char *said = NULL;
		struct error err = { 0 };
		int result = git_source_parse(rows[i].text, &source, &err);

		if (*rows[i].expected == '!') {
			CHECK_FAILS(result, &err, rows[i].expected + 1);
			continue;
		}
		if (!CHECK_OK(result, &err))
			continue;
		said = str_format("%s %s %s %s%s%s", source.url,
			source.ref ? source.ref : "-",
			source.subdir ? source.subdir : "-",
			source.checksum ? source.checksum : "-",
			source.keep_git_dir ? " keep" : "",
			source.no_submodules ? " alone" : "");
		test_check_str(__FILE__, __LINE__, rows[i].text, said, rows[i].expected);
	}
}

static const struct test tests[] = {
	{ "repositories are told from paths and files",
		repositories_are_told_from_paths_and_files },
	{ "an address is taken apart", addresses_are_taken_apart },
};

TEST_MAIN(tests)
