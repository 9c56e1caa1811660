/* One object per instruction, one member per line, members that hold nothing left out. */
#include "builder/language/dump.h"

#include "base/json.h"

static void append_member(struct str *str, const char *name)
{
	str_appendf(str, ",\n    \"%s\": ", name);
}

static void append_tokens(struct str *str, const char *name, const struct tokens *tokens)
{
	if (tokens->count == 0)
		return;
	append_member(str, name);
	str_append(str, "[");
	for (size_t i = 0; i < tokens->count; i++) {
		str_append(str, i ? ", " : "");
		json_append_string(str, tokens->items[i].text);
	}
	str_append(str, "]");
}

static void append_heredoc(struct str *str, const struct heredoc *heredoc)
{
	str_append(str, "{\"name\": ");
	json_append_string(str, heredoc->name);
	str_appendf(str, ", \"expand\": %s, \"chomp\": %s, \"content\": ",
		heredoc->expand ? "true" : "false", heredoc->chomp ? "true" : "false");
	json_append_string(str, heredoc->content);
	str_append(str, "}");
}

static void append_body(struct str *str, const struct instruction *instruction)
{
	str_appendf(str, "\"instruction\": \"%s\",\n    \"lines\": [%u, %u]",
		instruction->rule->name, instruction->line.first, instruction->line.last);
	append_tokens(str, "flags", &instruction->flags);
	if (instruction->json) {
		append_member(str, "exec");
		str_append(str, "true");
	}
	append_tokens(str, "arguments", &instruction->arguments);
	for (size_t i = 0; i < instruction->heredoc_count; i++) {
		if (i == 0)
			append_member(str, "heredocs");
		str_append(str, i ? ", " : "[");
		append_heredoc(str, &instruction->heredocs[i]);
	}
	if (instruction->heredoc_count)
		str_append(str, "]");
	if (instruction->comments.count) {
		append_member(str, "comments");
		strings_each (comment, &instruction->comments) {
			str_append(
				str, comment == instruction->comments.items ? "[" : ", ");
			json_append_string(str, *comment);
		}
		str_append(str, "]");
	}
	if (instruction->trigger) {
		append_member(str, "trigger");
		str_append(str, "{");
		append_body(str, instruction->trigger);
		str_append(str, "}");
	}
}

void mockerfile_dump(struct str *str, const struct mockerfile *file)
{
	str_append(str, "[\n");
	for (size_t i = 0; i < file->instruction_count; i++) {
		str_append(str, "  {");
		append_body(str, &file->instructions[i]);
		str_append(str, i + 1 < file->instruction_count ? "},\n" : "}\n");
	}
	str_append(str, "]\n");
}
