/*
 * firewalld's zones: where an attachment has one, its addresses are sources of that zone, by
 * which firewalld lets their packets pass. Its rules are firewalld's own; ours stay as well.
 */
#pragma once

#include "netsetup/attachment.h"

/* Fails with errnum ENOTSUP in a build without systemd's library. */
int zone_available(struct error *err) must_check;
/* Whether firewalld is on the system's bus. */
int zone_running(bool *ret, struct error *err) must_check;

/* An address that is in the zone already stays; one of another zone is refused. */
int zone_add(const struct attachment *record, struct error *err) must_check;
/* Addresses that are in no zone, or no firewalld at all, are success. */
int zone_remove(const struct attachment *record, struct error *err) must_check;
/* Whether all are in it. */
int zone_check(const struct attachment *record, struct error *err) must_check;
