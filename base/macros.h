/* Compiler attributes and small arithmetic that every file may use. */
#pragma once

#include <stddef.h>

#define must_check               __attribute__((warn_unused_result))
#define printf_like(text, first) __attribute__((format(printf, text, first)))
#define no_return                __attribute__((noreturn))

#define ARRAY_SIZE(array)        (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b)                ((a) < (b) ? (a) : (b))
#define MAX(a, b)                ((a) > (b) ? (a) : (b))

/* The struct that contains `member` at `pointer`. */
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer)-offsetof(type, member)))
