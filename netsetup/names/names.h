/*
 * Names: containers of a network with dns find each other by name and alias. The server is
 * Debian's dnsmasq, one for each such network, on the bridge's address; its configuration
 * and one file of names for each attachment are written here:
 *
 *	/run/mocker/networks/names/NETWORK/server.conf
 *	/run/mocker/networks/names/NETWORK/server.pid		dnsmasq's own
 *	/run/mocker/networks/names/NETWORK/hosts/CONTAINER@INTERFACE
 *
 * It starts with the first attachment and ends with the last.
 */
#pragma once

#include "netsetup/attachment.h"

/* Writes the names of the attachment, starts the server unless it runs, and makes it read
 * them. Every network: fills the record's hosts and resolv_conf. */
int names_publish(const struct places *places, struct attachment *record,
	struct error *err) must_check;
/* The opposite; what is not there is success. */
int names_withdraw(const struct places *places, const struct attachment *record,
	struct error *err) must_check;
/* Fails unless the server runs that the attachment's network needs. */
int names_check(const struct places *places, const struct attachment *record,
	struct error *err) must_check;
/* Starts the servers that should run and do not. */
int names_restart(const struct places *places, const struct attachments *list,
	struct error *err) must_check;
