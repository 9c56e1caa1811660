/*
 * The exec form: is the text a JSON array, and of strings? Decided as Go's encoding/json
 * decides it, since an array that is no JSON is a shell command.
 */
#pragma once

#include "base/str.h"

enum exec_form {
	EXEC_FORM_NO,      /* no JSON array: shell form */
	EXEC_FORM_YES,     /* ret holds the strings */
	EXEC_FORM_INVALID, /* a JSON array with something else than strings */
	EXEC_FORM_ZERO,    /* a string with \u0000, which no argument can hold */
};

/* Appends the decoded strings only with EXEC_FORM_YES. */
enum exec_form exec_form_parse(const char *text, struct strings *ret);
