/* Execution domain and NUMA memory policy, both inherited over execve. */
#include "runtime/process/personality.h"

#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/process/number_list.h"
#include "spec/config.h"
#include "spec/names.h"

int personality_apply(const struct oci_config *config, struct error *err)
{
	const struct oci_personality *asked = config->linux.personality;

	if (!asked)
		return 0;
	if (personality((unsigned long)asked->domain | words_bits(&asked->flags)) < 0)
		return fail_errno(err, "/linux/personality: entering the domain %s",
			word_of_number(personality_words, asked->domain));
	return 0;
}

static int parse_nodes(
	const struct oci_memory_policy *asked, struct number_list *ret, struct error *err)
{
	*ret = (struct number_list){ 0 };
	if (!asked->nodes || !*asked->nodes)
		return 0;
	return number_list_parse(asked->nodes, "/linux/memoryPolicy/nodes", ret, err);
}

int memory_policy_check(const struct oci_config *config, struct error *err)
{
	struct number_list nodes;

	return config->linux.memory_policy
		       ? parse_nodes(config->linux.memory_policy, &nodes, err)
		       : 0;
}

int memory_policy_apply(const struct oci_config *config, struct error *err)
{
	const struct oci_memory_policy *asked = config->linux.memory_policy;
	struct number_list nodes;
	const unsigned long *mask;
	unsigned long count;

	if (!asked)
		return 0;
	if (parse_nodes(asked, &nodes, err) < 0)
		return -1;
	/* The kernel counts one bit less than it is told, and for the policies without
	 * nodes wants no mask at all. */
	mask = asked->nodes && *asked->nodes ? nodes.bits : NULL;
	count = mask ? nodes.last + 2 : 0;
	if (syscall(SYS_set_mempolicy,
		    (int)((uint64_t)asked->mode | words_bits(&asked->flags)), mask,
		    count) == 0)
		return 0;
	(void)fail_errno(err, "/linux/memoryPolicy: setting %s on nodes \"%s\"",
		word_of_number(memory_policy_words, asked->mode),
		asked->nodes ? asked->nodes : "");
	if (err->errnum == ENOSYS)
		return fail_hint(err, "this kernel is built without NUMA");
	if (err->errnum == EINVAL)
		return fail_hint(err,
			"a node does not exist or is not allowed here, or the mode and its "
			"flags or nodes do not go together");
	return -1;
}
