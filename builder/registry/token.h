/*
 * Answering a registry that asks who we are: Basic, or a token of its token server.
 * Source: distribution's docs/spec/auth (token, oauth); RFC 7235, RFC 6750.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/registry/client.h"

/* From the WWW-Authenticate headers to client->authorization. */
int token_negotiate(struct client *client, const struct strings *challenges,
	struct error *err) must_check;
