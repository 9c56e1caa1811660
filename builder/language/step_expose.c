/* EXPOSE: "80", "80/tcp", "8000-8010/udp" become one "PORT/PROTOCOL" each. */
#include <string.h>
#include <strings.h>

#include "builder/language/step_internal.h"

#define PORTS 65536

static bool parse_port(const char *text, size_t length, uint32_t *ret)
{
	auto_free char *digits = str_dup_n(text, length);
	struct error ignored;

	return str_to_u32(digits, "port", ret, &ignored) == 0 && *ret < PORTS;
}

static const char *const protocols[] = { "tcp", "udp", "sctp" };

static int find_protocol(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (strcasecmp(protocols[i], text) == 0)
			return (int)i;
	return -1;
}

static int refuse(
	struct step_context *context, const struct token *token, const char *word)
{
	return instruction_fail(context->instruction, token, context->err,
		"%s needs PORT[-PORT][/tcp|udp|sctp], not \"%s\"",
		context->instruction->rule->name, word);
}

/* Each port once; `seen` has a row of ports per protocol. */
static int add_ports(struct step_context *context, const struct token *token,
	const char *word, bool (*seen)[PORTS])
{
	/* "IP:HOST:CONTAINER" is for another place, but BuildKit takes it, too. */
	const char *colon = strrchr(word, ':');
	const char *port = colon ? colon + 1 : word;
	size_t length = strcspn(port, "/");
	const char *protocol_name = port[length] ? port + length + 1 : "";
	int protocol = *protocol_name ? find_protocol(protocol_name) : 0;
	const char *dash = memchr(port, '-', length);
	size_t first_length = dash ? (size_t)(dash - port) : length;
	uint32_t first, last;

	if (protocol < 0 || !parse_port(port, first_length, &first))
		return refuse(context, token, word);
	last = first;
	if (dash && !parse_port(dash + 1, length - first_length - 1, &last))
		return refuse(context, token, word);
	if (last < first)
		return instruction_fail(context->instruction, token, context->err,
			"the range %s ends before it begins", word);
	for (uint32_t number = first; number <= last; number++) {
		if (!seen[protocol][number])
			strings_addf(&context->step->words, "%u/%s", number,
				protocols[protocol]);
		seen[protocol][number] = true;
	}
	return 0;
}

int step_make_expose(struct step_context *context)
{
	return step_make_ports(context, 0);
}

int step_make_ports(struct step_context *context, size_t first)
{
	const struct tokens *arguments = &context->instruction->arguments;
	auto_free bool(*seen)[PORTS] = str_alloc(ARRAY_SIZE(protocols) * sizeof(*seen));

	for (size_t i = first; i < arguments->count; i++) {
		const struct token *token = &arguments->items[i];
		auto_strings words = { 0 };

		if (step_expand_words(context, token, &words) < 0)
			return -1;
		/* None where a variable is empty. */
		strings_each (word, &words)
			if (add_ports(context, token, *word, seen) < 0)
				return -1;
	}
	return 0;
}
