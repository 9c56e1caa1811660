/* .dockerignore: the reference's rules, each with paths that it hides and shows. */
#include "builder/copy/glob.h"
#include "builder/copy/ignore.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const char *rules;
	const char *hidden; /* separated by blanks */
	const char *shown;
};

/* clang-format off */
static const struct row rows[] = {
	/* the reference's own examples */
	{ "# comment\n*/temp*\n*/*/temp*\ntemp?\n",
	  "somedir/temporary.txt somedir/temp somedir/subdir/temporary.txt tempa tempb",
	  "temp temp12 a/b/c/temporary.txt comment" },
	{ "*.md\n!README.md\n", "a.md CHANGES.md", "README.md docs/a.md" },
	{ "*.md\n!README*.md\nREADME-secret.md\n", "a.md README-secret.md", "README.md README-x.md" },
	{ "*.md\nREADME-secret.md\n!README*.md\n", "a.md", "README.md README-secret.md" },
	{ "**/*.go\n", "a.go a/b.go a/b/c.go", "a.goo a/b.c" },

	/* directories hide what is below */
	{ "node_modules\n", "node_modules node_modules/x node_modules/a/b/c", "node_modules2 a/node_modules" },
	{ "**/node_modules\n", "node_modules a/node_modules a/b/node_modules/c", "node_modulesx" },
	{ "a/b\n", "a/b a/b/c", "a a/bc b" },
	{ "a/*\n!a/b\n", "a/c a/c/d", "a a/b a/b/c" },
	{ "*\n!src\n", "x docs docs/a", "src src/a src/b/c" },
	{ "*\n!src/keep\n", "src src/drop x", "src/keep src/keep/a" },
	{ "build\n!build/out/**\n", "build build/x", "build/out/a build/out/a/b" },

	/* how lines are read */
	{ "  x  \n", "x", "y" },
	{ "#x\n", "", "#x x" },
	{ " #x\n", "#x", "x" },
	{ "\n\n   \nx\n", "x", "y" },
	{ "\xEF\xBB\xBFx\n", "x", "y" },
	{ "x\r\ny\r\n", "x y", "z" },
	{ "/x\n", "x x/y", "a/x" },
	{ "./x\n", "x", "a/x" },
	{ "x/\n", "x x/y", "xy" },
	{ "x/../y\n", "y", "x" },
	{ "../x\n", "", "x" },
	{ "/\n", "", "x" },
	{ ".\n", "", "x .x" },
	{ "! x\n", "", "x" },
	{ "*\n! x\n", "y", "x" },
	{ "x", "x", "y" },

	/* wildcards */
	{ "*\n", "a .a a/b", "" },
	{ "?\n", "a \xC3\xA4", "ab" },
	{ "a*c\n", "ac abc axxc", "a/c abcd" },
	{ "[a-c]x\n", "ax bx cx", "dx [a-c]x" },
	{ "[^a-c]x\n", "dx", "ax" },
	{ "[]x]\n", "] x", "[" },
	{ "\\*x\n", "*x", "ax" },
	{ "a[\\-b]\n", "a- ab", "ac" },
	{ "**\n", "a a/b .c", "" },
	{ "a/**\n", "a/b a/b/c", "b" },
	{ "a/**/z\n", "a/z a/b/z a/b/c/z", "a/bz z" },
	{ "**/a/**/b\n", "a/b x/a/b x/a/y/b", "ab a/x" },
	{ "**/.git\n", ".git a/.git a/.git/config", ".gitignore" },
	{ "a**b\n", "ab ax/b a/b", "abc axb" },
	{ ".*\n", ".a .git/config", "a a/.b" },
	{ "\xC3\xA4*\n", "\xC3\xA4 \xC3\xA4x", "\xC3\xB6" },
};
/* clang-format on */

static void check_paths(const struct ignore *ignore, const struct row *row,
	const char *list, bool expected)
{
	auto_strings paths = { 0 };

	strings_split(&paths, list, ' ');
	strings_each (path, &paths) {
		auto_free char *what =
			str_format("rules \"%s\", path \"%s\"", row->rules, *path);

		test_check_int(__FILE__, __LINE__, what, ignore_matches(ignore, *path),
			expected);
	}
}

static void rules_hide_and_show(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_ignore ignore = { 0 };
		struct error err = { 0 };

		CHECK_OK(ignore_parse(&ignore, "f", rows[i].rules, strlen(rows[i].rules),
				 &err),
			&err);
		check_paths(&ignore, &rows[i], rows[i].hidden, true);
		check_paths(&ignore, &rows[i], rows[i].shown, false);
	}
}

static void errors_name_the_line(void)
{
	auto_ignore ignore = { 0 };
	struct error err;

	CHECK_FAILS(ignore_parse(&ignore, ".dockerignore", "a\n!\n", 4, &err), &err,
		".dockerignore:2: \"!\" stands alone");
	CHECK_FAILS(ignore_parse(&ignore, ".dockerignore", "[a\n", 3, &err), &err,
		".dockerignore:1: the pattern \"[a\" has an error in its syntax");
	CHECK_FAILS(ignore_parse(&ignore, ".dockerignore", "a\\", 2, &err), &err, "a\\");
}

static void a_walk_knows_where_exceptions_reach(void)
{
	static const char rules[] = "*\n!src/a\n!**/*.md\n";
	static const char fixed[] = "*\n!src/a\n!docs/x*\n";
	auto_ignore any = { 0 };
	auto_ignore some = { 0 };
	struct error err;

	CHECK_OK(ignore_parse(&any, "f", rules, strlen(rules), &err), &err);
	CHECK_OK(ignore_parse(&some, "f", fixed, strlen(fixed), &err), &err);
	CHECK(ignore_may_except_below(&any, "node_modules"));
	CHECK(!ignore_may_except_below(&some, "node_modules"));
	CHECK(ignore_may_except_below(&some, "src"));
	CHECK(!ignore_may_except_below(&some, "src/a"));
	CHECK(!ignore_may_except_below(&some, "sr"));
	CHECK(ignore_may_except_below(&some, "docs"));
}

static void many_stars_take_no_time(void)
{
	auto_glob glob = { 0 };
	auto_free char *path = str_alloc(4001);
	struct error err;

	memset(path, 'a', 4000);
	CHECK_OK(glob_compile("**a*a*a*a*a*a*a*a*a*a*a*a*b", &glob, &err), &err);
	CHECK(!glob_matches(&glob, path));
}

static const struct test tests[] = {
	{ "rules hide and show what the reference says", rules_hide_and_show },
	{ "errors name file and line", errors_name_the_line },
	{ "a walk knows where exceptions reach", a_walk_knows_where_exceptions_reach },
	{ "many stars take no time", many_stars_take_no_time },
};

TEST_MAIN(tests)
