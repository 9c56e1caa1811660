/* One call of the plugin, as its operations see it. */
#pragma once

#include "base/str.h"
#include "netsetup/cni/config.h"
#include "netsetup/cni/result.h"

#define CNI_FACE "cni" /* of the records of attachments */

struct cni_call {
	const char *command;
	const char *container; /* "" where absent, as all of these */
	const char *netns;
	const char *interface;
	const char *arguments;
	const char *path;
	char *input; /* the configuration as it came */
	size_t input_length;
	struct cni_config config;
	struct places places;
	enum cni_code code; /* of the error, should one happen now */
	struct str output;
};

int cni_add(struct cni_call *call, struct error *err) must_check;
int cni_del(struct cni_call *call, struct error *err) must_check;
int cni_check(struct cni_call *call, struct error *err) must_check;
int cni_gc(struct cni_call *call, struct error *err) must_check;
int cni_status(struct cni_call *call, struct error *err) must_check;

/* Opens the namespace and plans, with the code for what is refused. */
int cni_plan(struct cni_call *call, struct attach *attach, struct error *err) must_check;

/* chain.c: the result of the plugins before this one in a chain is there: the interface
 * is theirs, ports and rules are ours. */
int cni_add_chained(struct cni_call *call, struct error *err) must_check;
int cni_read_prev_result(
	struct cni_call *call, struct cni_result *ret, struct error *err) must_check;
/* The container's interface in it, or NULL. */
struct cni_interface *cni_find_interface(
	const struct cni_call *call, const struct cni_result *result);
/* What this call asks for of an interface that another plugin made; nothing: there is no
 * record of it. */
int cni_read_chained(struct cni_call *call, const struct cni_result *result,
	struct attach *attach, struct error *err) must_check;
bool cni_asks_nothing(const struct attach *attach);

/* ipam.c: another plugin gives the addresses. Runs it with the command; ret_result (may be
 * NULL) is what ADD printed. Its own error object is passed on. */
int cni_ipam_call(struct cni_call *call, const char *command,
	struct cni_result *ret_result, struct error *err) must_check;

/* The step of addresses, with the call in attach->ipam. */
int cni_ipam_take(struct attach *attach, struct error *err) must_check;
int cni_ipam_release(struct attach *attach, struct error *err) must_check;

/* Whether the record is of this call's network: a CNI caller's, and under its name or the
 * same with "+" and what a chained entry does. What people attached is theirs. */
bool cni_is_network(const struct cni_call *call, const struct attachment *record);
