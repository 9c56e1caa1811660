/*
 * YAML as JSON: one document, read by libyaml, which is loaded when the first such text
 * is met. Aliases and tags are refused: a short text could become an
 * endless one.
 * Source: YAML 1.2, 10.3 Core Schema; of 1.1 the octal numbers that begin with 0.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* Appends the document. Its lines are those of the text, for what is found wrong later.
 * name: of the file, in errors. */
int yaml_to_json(const char *name, const char *text, size_t length, struct str *ret,
	struct error *err) must_check;
