/* The checks of test.h and the loop that runs a table of tests as TAP. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static int failed_checks;
static const char *skipped;

static bool report(const char *file, int line, bool holds)
{
	if (!holds) {
		failed_checks++;
		printf("# %s:%d: ", file, line);
	}
	return holds;
}

bool test_check(const char *file, int line, const char *what, bool holds)
{
	if (!report(file, line, holds))
		printf("%s does not hold\n", what);
	return holds;
}

bool test_check_int(const char *file, int line, const char *what, long long actual,
	long long expected)
{
	if (report(file, line, actual == expected))
		return true;
	printf("%s is %lld, expected %lld\n", what, actual, expected);
	return false;
}

bool test_check_str(const char *file, int line, const char *what, const char *actual,
	const char *expected)
{
	bool same =
		actual && expected ? strcmp(actual, expected) == 0 : actual == expected;

	if (report(file, line, same))
		return true;
	printf("%s is \"%s\", expected \"%s\"\n", what, actual ? actual : "(null)",
		expected ? expected : "(null)");
	return false;
}

bool test_check_has(const char *file, int line, const char *what, const char *actual,
	const char *part)
{
	if (report(file, line, actual && strstr(actual, part)))
		return true;
	printf("%s is \"%s\", which lacks \"%s\"\n", what, actual ? actual : "(null)",
		part);
	return false;
}

bool test_check_ok(
	const char *file, int line, const char *what, int result, const struct error *err)
{
	if (report(file, line, result >= 0))
		return true;
	printf("%s failed: %s\n", what, err->text);
	return false;
}

bool test_check_fails(const char *file, int line, const char *what, int result,
	const struct error *err, const char *part)
{
	if (!report(file, line, result < 0)) {
		printf("%s succeeded, expected the error \"%s\"\n", what, part);
		return false;
	}
	return test_check_has(file, line, what, err->text, part);
}

void test_skip(const char *reason)
{
	skipped = reason;
}

int test_main(const struct test *tests, size_t count, int argc, char **argv)
{
	int failed_tests = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		failed_checks = 0;
		skipped = NULL;
		if (argc > 1 && !strstr(tests[i].sentence, argv[1]))
			skipped = "not asked for";
		else
			tests[i].run();
		printf("%sok %zu - %s%s%s\n", failed_checks ? "not " : "", i + 1,
			tests[i].sentence, skipped ? " # SKIP " : "",
			skipped ? skipped : "");
		failed_tests += failed_checks != 0;
	}
	return failed_tests != 0;
}
