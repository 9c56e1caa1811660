/* The time that only runs forwards: CLOCK_MONOTONIC, for deadlines and what took how long. */
#pragma once

#include <stdint.h>

int64_t clock_ns(void);
int64_t clock_ms(void);
