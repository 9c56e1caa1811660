/* The firewall plugin's firewalld: which attachments have a zone. */
#include <errno.h>

#include "base/log.h"
#include "netsetup/cni/config.h"
#include "netsetup/firewall/zone.h"

#define ZONE_DEFAULT "trusted" /* the reference plugin's */

int cni_zone(const struct cni_config *config, bool stands_for_firewall,
	struct attachment *record, struct error *err)
{
	bool has_backend = config->backend && config->backend[0];
	bool asked = str_equal(config->backend, "firewalld");
	bool named = config->zone && config->zone[0];
	bool running = asked;
	struct error unknown;

	if (!asked && (has_backend || (!named && !stands_for_firewall)))
		return 0;
	if ((asked || named) && zone_available(err) < 0)
		return fail_while(err, asked ? "backend" : "firewalldZone");
	if (!asked && zone_running(&running, &unknown) < 0)
		log_warning("%s; this container gets no zone", unknown.text);
	if (running)
		record->zone = str_dup(named ? config->zone : ZONE_DEFAULT);
	return 0;
}
