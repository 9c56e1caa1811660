/* Kernel switches of the network namespace that the caller is in: /proc/sys/net. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

/* Writes /proc/sys/net/PATH unless it has the value already; `family` is "ipv4" or
 * "ipv6", interface and key follow: sysctl_set_interface("ipv6", "eth0", "accept_ra",
 * "0"). What the kernel does not have (IPv6 left out) is success: there is nothing to
 * switch. ret_changed may be NULL. */
int sysctl_set_interface(const char *family, const char *interface, const char *key,
	const char *value, struct error *err) must_check;
/* Whether it has this value; blanks of every width and kind are one. */
int sysctl_has(
	const char *path, const char *value, bool *ret, struct error *err) must_check;
int sysctl_set(const char *path, const char *value, bool *ret_changed,
	struct error *err) must_check;
