/*
 * Unit tests: each is a sentence and a function; the output is TAP. A failed check prints
 * file:line and both values, and its test goes on to the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct test {
	const char *sentence; /* "a limit below zero is refused" */
	void (*run)(void);
};

/* Runs them all, or those whose sentence contains argv[1]; returns main's status. */
int test_main(const struct test *tests, size_t count, int argc, char **argv);

#define TEST_MAIN(table)                                                \
	int main(int argc, char **argv)                                 \
	{                                                               \
		return test_main(table, ARRAY_SIZE(table), argc, argv); \
	}

#define CHECK(condition) test_check(__FILE__, __LINE__, #condition, (condition))
#define CHECK_INT(actual, expected) \
	test_check_int(             \
		__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))
#define CHECK_STR(actual, expected) \
	test_check_str(__FILE__, __LINE__, #actual, (actual), (expected))
/* The text has the part somewhere. */
#define CHECK_HAS(actual, part) \
	test_check_has(__FILE__, __LINE__, #actual, (actual), (part))
/* The call, whose last argument is &err, succeeds; else its error is printed. */
#define CHECK_OK(call, err) test_check_ok(__FILE__, __LINE__, #call, (call), (err))
/* The call fails and its error has the part. */
#define CHECK_FAILS(call, err, part) \
	test_check_fails(__FILE__, __LINE__, #call, (call), (err), (part))
/* The rest of this test needs what is not here; counted and shown as skipped. */
#define SKIP(reason)               \
	do {                       \
		test_skip(reason); \
		return;            \
	} while (0)

bool test_check(const char *file, int line, const char *what, bool holds);
bool test_check_int(const char *file, int line, const char *what, long long actual,
	long long expected);
bool test_check_str(const char *file, int line, const char *what, const char *actual,
	const char *expected);
bool test_check_has(const char *file, int line, const char *what, const char *actual,
	const char *part);
bool test_check_ok(const char *file, int line, const char *what, int result,
	const struct error *err);
bool test_check_fails(const char *file, int line, const char *what, int result,
	const struct error *err, const char *part);
void test_skip(const char *reason);
