/* nft's language given to the kernel, one transaction a call. Only firewall.c calls it. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* errnum ENOENT: something named is not there; EEXIST: is there with another value. */
int nft_run(const char *commands, struct error *err) must_check;
