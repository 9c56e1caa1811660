/*
 * The plan of a create in words, and the times of one that was done: from the table of
 * steps, with what this container's plan has for each.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "runtime/create.h"

struct steps;

/* Of a creation that is planned. */
void explain_plan(const struct creation *creation, struct str *to);

/* What was reached, also by a create that failed. */
void explain_times(const struct steps *steps, struct str *to);
