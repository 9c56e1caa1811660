/* Networks of users without privilege, through pasta. */
#pragma once

#include "netsetup/attach.h"

/* Before anything is made: of a network of another kind, success. */
int user_check(const struct attach *attach, struct error *err) must_check;
int user_create(struct attach *attach, struct error *err) must_check;
int user_delete(struct attach *attach, struct error *err) must_check;
/* Whether its pasta lives. */
bool user_runs(const struct places *places, const struct attachment *record);
