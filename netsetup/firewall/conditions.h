/*
 * Conditions on published ports, as the reference plugin portmap takes them: matches of
 * iptables(8), or of nft(8), a word an element. What is understood becomes text of nft's;
 * any other word is refused by name.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* Appends a match an element to ret. `key` names the list in errors. errnum ENOTSUP: a word
 * that is not supported, EINVAL: a wrong value. */
int conditions_read(const struct strings *words, bool inet6, const char *key,
	struct strings *ret, struct error *err) must_check;
