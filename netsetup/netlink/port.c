/* Bridge ports: their switches and the VLANs that pass. */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netsetup/netlink/private.h"

void netlink_set_port(struct netlink *netlink, int index, const struct netlink_port *port)
{
	struct ifinfomsg info = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	struct nl_msg *message = netlink_message(RTM_SETLINK, 0, &info, sizeof(info));
	struct nlattr *switches = netlink_nest(message, IFLA_PROTINFO);
	uint8_t hairpin = port->hairpin;
	uint8_t isolated = port->isolated;

	netlink_put(message, IFLA_BRPORT_MODE, &hairpin, sizeof(hairpin));
	netlink_put(message, IFLA_BRPORT_ISOLATED, &isolated, sizeof(isolated));
	nla_nest_end(message, switches);
	netlink_queue(netlink, message, "setting the switches of bridge port %d", index);
}

void netlink_teach_port(struct netlink *netlink, int index, const struct netlink_mac *mac)
{
	const struct ndmsg info = {
		.ndm_family = AF_BRIDGE,
		.ndm_ifindex = index,
		.ndm_state = NUD_REACHABLE,
		.ndm_flags = NTF_MASTER,
	};
	struct nl_msg *message = netlink_message(
		RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));

	netlink_put(message, NDA_LLADDR, mac, sizeof(*mac));
	netlink_queue(netlink, message, "teaching the bridge who is at port %d", index);
}

void netlink_disable_port(struct netlink *netlink, int index)
{
	struct ifinfomsg info = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	struct nl_msg *message = netlink_message(RTM_SETLINK, 0, &info, sizeof(info));
	struct nlattr *switches = netlink_nest(message, IFLA_PROTINFO);
	uint8_t state = BR_STATE_DISABLED;

	netlink_put(message, IFLA_BRPORT_STATE, &state, sizeof(state));
	nla_nest_end(message, switches);
	netlink_queue(netlink, message, "disabling bridge port %d", index);
}

static void put_vlan(struct nl_msg *message, const struct netlink_vlan *vlan)
{
	struct bridge_vlan_info info = { .vid = vlan->first };

	if (vlan->untagged)
		info.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
	if (vlan->first == vlan->last) {
		netlink_put(message, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
		return;
	}
	info.flags |= BRIDGE_VLAN_INFO_RANGE_BEGIN;
	netlink_put(message, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
	info.vid = vlan->last;
	info.flags ^= BRIDGE_VLAN_INFO_RANGE_BEGIN | BRIDGE_VLAN_INFO_RANGE_END;
	netlink_put(message, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
}

void netlink_add_vlan(struct netlink *netlink, int index, const struct netlink_vlan *vlan)
{
	struct ifinfomsg info = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	struct nl_msg *message = netlink_message(RTM_SETLINK, 0, &info, sizeof(info));
	struct nlattr *spec = netlink_nest(message, IFLA_AF_SPEC);
	uint16_t flags = BRIDGE_FLAGS_SELF;

	if (vlan->self)
		netlink_put(message, IFLA_BRIDGE_FLAGS, &flags, sizeof(flags));
	put_vlan(message, vlan);
	nla_nest_end(message, spec);
	netlink_queue(netlink, message, "letting VLAN %u to %u pass port %d", vlan->first,
		vlan->last, index);
}
