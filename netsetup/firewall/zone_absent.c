/* In place of zone.c in a build --without-systemd. */
#include <errno.h>

#include "netsetup/firewall/zone.h"

static int absent(struct error *err)
{
	return fail_code(err, ENOTSUP,
		"this mocker-netsetup was built without libsystemd, by which firewalld is "
		"told of containers");
}

int zone_available(struct error *err)
{
	return absent(err);
}

int zone_running(bool *ret, struct error *err)
{
	*ret = false;
	return 0;
}

/* A record of another build's may have a zone. */
int zone_add(const struct attachment *record, struct error *err)
{
	return record->zone ? absent(err) : 0;
}

int zone_remove(const struct attachment *record, struct error *err)
{
	return record->zone ? absent(err) : 0;
}

int zone_check(const struct attachment *record, struct error *err)
{
	return record->zone ? absent(err) : 0;
}
