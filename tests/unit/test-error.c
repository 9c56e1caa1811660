/* base/error: what is said of a failure. */
#include <string.h>

#include "base/error.h"
#include "base/json_private.h"
#include "base/str.h"
#include "tests/unit/test.h"

static struct error err;

static void errors_stack(void)
{
	errno = ENOENT;
	CHECK_INT(fail_errno(&err, "opening %s", "x"), -1);
	fail_while(&err, "setting up \"%s\"", "web");
	fail_hint(&err, "make it first");
	CHECK_STR(err.text,
		"setting up \"web\": opening x: No such file or directory; make it first");
	CHECK_INT(err.errnum, ENOENT);
}

static void errors_may_quote_themselves(void)
{
	fail(&err, "inner");
	fail(&err, "outer (%s)", err.text);
	CHECK_STR(err.text, "outer (inner)");
}

/* A path may have four times as many bytes as an error. */
static void long_errors_keep_their_ends(void)
{
	char path[4096 * 3];
	const char *cause = ": No such file or directory; make it first";

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	errno = ENOENT;
	fail_errno(&err, "opening %.4000s", path);
	fail_hint(&err, "make it first");
	fail_while(&err, "setting up \"web\"");
	CHECK(str_after(err.text, "setting up \"web\": opening aaa"));
	CHECK_STR(err.text + strlen(err.text) - strlen(cause), cause);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	fail(&err, "%s", path);
	fail_while(&err, "%s", path);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
}

/* Wherever it is cut, of a character all bytes remain or none. */
static void long_errors_are_text(void)
{
	char text[3000];

	for (size_t offset = 0; offset < 2; offset++) {
		memset(text, 'a', sizeof(text));
		for (size_t i = offset; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "ä", 2);
		text[sizeof(text) - 1] = '\0';
		fail(&err, "%s", text);
		CHECK_HAS(err.text, "…");
		CHECK_INT(json_utf8_valid(err.text, strlen(err.text)), strlen(err.text));
	}
}

static const struct test tests[] = {
	{ "an error stacks context before it and a remedy behind", errors_stack },
	{ "an error may quote itself", errors_may_quote_themselves },
	{ "of a long error both ends remain", long_errors_keep_their_ends },
	{ "a long error is cut between characters", long_errors_are_text },
};

TEST_MAIN(tests)
