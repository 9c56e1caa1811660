/*
 * What a container's own /etc/hosts and /etc/resolv.conf say of its networks. The files are
 * written where they are, not replaced: they may be bind mounted into the container already.
 */
#pragma once

#include "netsetup/attachment.h"

/* Opens a file that is to be written; a relative path is the bundle's. What is no regular
 * file, and a link as its last component, is refused. */
int etc_open(
	const char *bundle, const char *path, int *ret_fd, struct error *err) must_check;

/* Puts the container's addresses with its names where it had 127.0.1.1 for its own name, or
 * an earlier call's; the other lines stay. Source: hosts(5). */
int etc_write_hosts(
	int fd, const struct attachment *record, struct error *err) must_check;
/* Puts the network's name servers in the place of the others; on a network without, nothing.
 * Source: resolv.conf(5). */
int etc_write_resolv_conf(
	int fd, const struct attachment *record, struct error *err) must_check;
