/* What the reference plugin "tuning" does inside the container's namespace. */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/netlink/netlink.h"

struct tune {
	/* "net.core.somaxconn", "net.ipv4.conf.IFNAME.…"; borrowed. */
	struct pairs *sysctl;
	bool promiscuous;
	bool all_multicast;
	bool has_txqlen;
	uint32_t txqlen;
	uint32_t mtu;    /* 0: as it is; of an interface that is another plugin's */
	const char *mac; /* NULL: as it is; the same */
};

/* Whether there is anything to do. */
bool tune_asks(const struct tune *tune);
/* Whether that is more than sysctls. */
bool tune_changes_link(const struct tune *tune);
/* All keys are below net and lead nowhere else; errnum EINVAL. */
int tune_check(const struct tune *tune, struct error *err) must_check;
/* Both in the namespace that the caller is in. */
int tune_apply(const struct tune *tune, struct netlink *inside,
	const struct netlink_link *link, struct error *err) must_check;
/* What tune_apply() changes of the interface, as it is; owned by the caller. Sysctls are
 * not kept: they stay as they are set. */
struct attachment_device *tune_save(const struct netlink_link *link);
/* Queues what makes it as it was, but for IFF_UP. */
int tune_restore(const struct attachment_device *before, struct netlink *netlink,
	const struct netlink_link *link, struct error *err) must_check;
/* Fails with what is not as it was applied; whether the interface is promiscuous without
 * being asked to is nobody's business. */
int tune_verify(const struct tune *tune, const struct netlink_link *link,
	struct error *err) must_check;
