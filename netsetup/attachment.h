/*
 * Attachments: the record of each interface that we gave to a container, in
 * /run/mocker/networks/attachments/CONTAINER/INTERFACE@NETWORK.
 *
 * It is written before the first side effect and names everything that the steps will
 * make, so that whoever finds it can take all of it back: `complete` is false until the
 * last step. The container's directory is locked by whoever attaches or detaches; the
 * lock dies with its holder.
 */
#pragma once

#include "base/json.h"
#include "netsetup/netns.h"
#include "netsetup/network.h"
#include "netsetup/places.h"
#include "spec/ports.h"

struct attachment_address {
	char *address; /* with prefix */
	char *gateway; /* NULL: none */
};

struct attachment_port {
	char *host_ip; /* NULL: every address of the host */
	uint16_t host_port;
	uint16_t container_port;
	int64_t protocol; /* IPPROTO_… */
};

struct attachment_bandwidth {
	uint64_t ingress_rate;  /* bits a second, to the container; 0: no limit */
	uint64_t ingress_burst; /* bits */
	uint64_t egress_rate;
	uint64_t egress_burst;
	/* Of the other side; one of the two lists at most. */
	struct strings shaped;   /* only what goes to or comes from there is limited */
	struct strings unshaped; /* that is not */
};
/* CNI's runtimeConfig has the same members. */
extern const struct json_type attachment_bandwidth_type;

/* An interface as it was before it was given, or changed. */
struct attachment_device {
	char *mac;
	uint32_t mtu;
	bool up;
	bool promiscuous;
	bool all_multicast;
	bool has_txqlen; /* not in records of older versions */
	uint32_t txqlen;
};

struct attachment {
	bool complete;
	char *face;      /* "command", "hook" or "cni" */
	char *id;        /* by which a hook's runtime knows the container */
	char *container; /* with interface and network: the key */
	char *interface;
	char *netns; /* a path, as far as one is known */
	uint64_t netns_device;
	uint64_t netns_inode;
	uint64_t netns_cookie; /* 0: not known */
	bool has_pid;
	int32_t pid; /* the process that owns the namespace */
	uint64_t pid_start;
	bool named;   /* /run/netns/CONTAINER is ours */
	bool chained; /* the interface is another plugin's: only rules are ours */
	struct network network; /* as it was then */
	char *link;             /* the host's end; NULL: there is none */
	bool made;              /* the container's interface, of the kinds without one */
	struct attachment_device *device; /* to be given back; NULL: none */
	struct attachment_device *before; /* of a chained one's; NULL: unchanged */
	char *mac;
	uint32_t mtu;
	struct attachment_address *addresses;
	size_t addresses_count;
	struct attachment_port *publish;
	size_t publish_count;
	/* Of nft's language: its ports lead here only for packets that meet all of them. */
	struct strings conditions_v4;
	struct strings conditions_v6;
	char *zone; /* of firewalld's, in which the addresses are; NULL: none */
	bool has_bandwidth;
	struct attachment_bandwidth bandwidth;
	struct strings aliases;
	char *hosts;       /* for the container's /etc/hosts */
	char *resolv_conf; /* for its /etc/resolv.conf; NULL: the network has no dns */
};

extern const struct json_type attachment_type;

#define auto_attachment __attribute__((cleanup(attachment_free))) struct attachment
void attachment_free(struct attachment *attachment);

/* A container's directory, locked. */
struct attachment_store {
	int directory;
	char *path;
	char *container;
	const struct places *places; /* borrowed */
};
#define auto_attachment_store \
	__attribute__((cleanup(attachment_store_close))) struct attachment_store

int attachment_store_open(const struct places *places, const char *container,
	struct attachment_store *ret, struct error *err) must_check;
/* Removes the directory if it is empty. */
void attachment_store_close(struct attachment_store *store);

int attachment_write(struct attachment_store *store, const struct attachment *attachment,
	struct error *err) must_check;
/* errnum ENOENT: there is none. */
int attachment_read(struct attachment_store *store, const char *network,
	const char *interface, struct attachment *ret, struct error *err) must_check;
int attachment_remove(struct attachment_store *store, const char *network,
	const char *interface, struct error *err) must_check;

/* Records of this container, or of all (NULL), sorted, as they are at the moment, without
 * locks. Those that cannot be read are kept apart, with a warning: of them is known what
 * their files' names say, the container, the interface and the network's name. */
struct attachments {
	struct attachment *items;
	size_t count;
	struct attachment *damaged;
	size_t unread; /* so many */
};
#define auto_attachments __attribute__((cleanup(attachments_free))) struct attachments
int attachments_load(const struct places *places, const char *container,
	struct attachments *ret, struct error *err) must_check;
void attachments_free(struct attachments *list);

/* Held while records and the firewall differ: shared by who changes one attachment's rules,
 * exclusively (LOCK_EX) by who reads all records to make the firewall agree with them. Taken
 * after the container's lock, before a pool's. */
struct attachments_lock {
	bool held;
	int fd;
};
#define auto_attachments_lock \
	__attribute__((cleanup(attachments_unlock))) struct attachments_lock
int attachments_lock(const struct places *places, int operation,
	struct attachments_lock *ret, struct error *err) must_check;
void attachments_unlock(struct attachments_lock *lock);

/* Whether an error of attachment_read() is of the record itself, and will be the same the
 * next time. */
bool attachment_is_damaged(const struct error *err);
/* Where its record is. Owned by the caller. */
char *attachment_path(const struct places *places, const struct attachment *attachment);

/* Whether the process that it was made for lives, which may be none. */
bool attachment_process_alive(const struct attachment *attachment);
/* Whether its namespace lives, and in it the process that it was made for or any other.
 * Several are asked for with the same users; NULL: of this moment. */
bool attachment_alive(const struct attachment *attachment, struct netns_users *users);
/* "CONTAINER/INTERFACE": the owner of its leases. Owned by the caller. */
char *attachment_owner(const struct attachment *attachment);
/* The host's end of this attachment: always the same, so that it is found without a
 * record. Owned by the caller. */
char *attachment_link_name(const char *prefix, const char *network, const char *container,
	const char *interface);
