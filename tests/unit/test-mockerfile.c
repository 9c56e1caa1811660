/* Mockerfiles: what is parsed (golden files), what steps and plans come out, and the exact
 * words of every error. */
#include "builder/language/dump.h"
#include "builder/language/mockerfile.h"
#include "builder/language/plan.h"
#include "builder/language/step.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

/* ---- golden files: with UPDATE_GOLDEN=1 they are written instead ---- */

static const char *const golden_names[] = { "crlf", "escape", "forms", "heredocs",
	"lines" };

static char *golden_path(const char *name, const char *suffix)
{
	const char *top = getenv("top_srcdir");

	return str_format(
		"%s/tests/golden/mockerfile/%s.%s", top ? top : ".", name, suffix);
}

static void check_golden(const char *name)
{
	auto_free char *input = golden_path(name, "Mockerfile");
	auto_free char *output = golden_path(name, "json");
	auto_free char *expected = NULL;
	auto_mockerfile file = { 0 };
	auto_str dump = { 0 };
	struct file_replace_options options = { .mode = 0644 };
	struct error err;

	if (!CHECK_OK(mockerfile_read(AT_FDCWD, input, -1, &file, &err), &err))
		return;
	mockerfile_dump(&dump, &file);
	if (getenv("UPDATE_GOLDEN"))
		CHECK_OK(file_replace_at(
				 AT_FDCWD, output, dump.data, dump.length, options, &err),
			&err);
	if (CHECK_OK(
		    file_read_at(AT_FDCWD, output, 1 << 20, &expected, NULL, &err), &err))
		test_check_str(__FILE__, __LINE__, name, dump.data, expected);
}

static void files_are_parsed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(golden_names); i++)
		check_golden(golden_names[i]);
}

/* ---- errors: parse, plan and walk all stages ---- */

static int walk(const struct plan *plan, const struct stage *stage, struct str *ret_steps,
	struct error *err)
{
	auto_scope scope = { 0 };

	scope_init(&scope, plan->build_args, &plan->global);
	for (size_t i = 0; i < stage->instruction_count; i++) {
		auto_step step = { 0 };

		if (step_make(stage->instructions[i], &scope, &step, err) < 0)
			return -1;
		if (ret_steps)
			str_append(ret_steps, step.key);
	}
	return 0;
}

static int load(void *argument, const char *path, char **ret, size_t *ret_length,
	struct error *err)
{
	if (strcmp(path, "loop") == 0)
		*ret = str_dup("INCLUDE loop\n");
	else if (strcmp(path, "users.inc") == 0)
		*ret = str_dup("# included\nUSER web\n");
	else if (strcmp(path, "bad.inc") == 0)
		*ret = str_dup("RUN fine\nCOPPY a b\n");
	else
		return fail_code(err, ENOENT, "%s: no such file or directory", path);
	*ret_length = strlen(*ret);
	return 0;
}

static int run(const char *text, struct str *ret_steps, struct error *err)
{
	struct mockerfile_loader loader = { load, NULL };
	struct plan_options options = { .platform = "linux/arm64" };
	auto_mockerfile file = { 0 };
	auto_plan plan = { 0 };

	if (mockerfile_parse("Mockerfile", text, strlen(text), &loader, &file, err) < 0 ||
		plan_make(&file, &options, &plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan.stage_count; i++)
		if (walk(&plan, &plan.stages[i], ret_steps, err) < 0)
			return -1;
	return 0;
}

struct error_row {
	const char *text;
	const char *expected;
};

/* clang-format off */
static const struct error_row error_rows[] = {
	/* the place is shown */
	{ "FROM scratch\nCOPY foo",
	  "Mockerfile:2: COPY needs at least one source and a destination\n"
	  "   2 | COPY foo\n"
	  "     | ^~~~" },
	{ "FROM a\n\n\tRUNN  make\n",
	  "Mockerfile:3: there is no instruction RUNN; did you mean RUN?\n"
	  "   3 | \tRUNN  make\n"
	  "     | \t^~~~" },
	{ "FROM a\nENV a=1 \\\n    \xC3\xA4=2 \\\n    b c=3",
	  "Mockerfile:4: ENV needs NAME=VALUE here, not \"b\"; quote a value with blanks\n"
	  "   4 |     b c=3\n"
	  "     |     ^" },
	{ "FROM a\nENV \xC3\xA4=1 b=${x",
	  "Mockerfile:2: ${x has no closing }\n"
	  "   2 | ENV \xC3\xA4=1 b=${x\n"
	  "     |           ^~~" },
	{ "FROM a\nONBUILD COPY x",
	  "Mockerfile:2: COPY needs at least one source and a destination\n"
	  "   2 | ONBUILD COPY x\n"
	  "     |         ^~~~" },
	{ "FROM a\nINCLUDE bad.inc\n",
	  "bad.inc:2: there is no instruction COPPY; did you mean COPY?\n"
	  "   2 | COPPY a b\n"
	  "     | ^~~~~" },
	{ "FROM a\nRUN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nEXPOSE x\n",
	  "Mockerfile:3: EXPOSE needs PORT[-PORT][/tcp|udp|sctp], not \"x\"\n"
	  "   3 | EXPOSE x\n"
	  "     |        ^" },

	/* files */
	{ "", "Mockerfile holds no instructions" },
	{ "# only a comment\n", "Mockerfile holds no instructions" },
	{ "FROM a\nRUN \x01\n", NULL },
	{ "RUN a\nFROM b\n", "Mockerfile:1: RUN stands before the first FROM; only ARG may" },
	{ "# escape=x\nFROM a\n", "Mockerfile:1: the escape character is \\ or `, not \"x\"" },
	{ "# syntax=a\n# syntax=b\nFROM a\n", "Mockerfile:2: the directive \"syntax\" stands here twice" },
	{ "INCLUDE loop\n", "INCLUDE is nested more than 16 deep; does \"loop\" include itself?" },
	{ "INCLUDE nowhere\n", "Mockerfile:1: nowhere: no such file or directory\n   1 | INCLUDE nowhere\n     |         ^~~~~~~" },
	{ "INCLUDE\n", "INCLUDE needs a file" },

	/* FROM */
	{ "FROM\n", "FROM needs an image, as in FROM IMAGE or FROM IMAGE AS STAGE" },
	{ "FROM a b\n", "FROM IMAGE is followed by AS and a name, not by \"b\"" },
	{ "FROM a AS\n", "FROM IMAGE AS needs a name" },
	{ "FROM a AS 1x\n", "\"1x\" is no name for a stage" },
	{ "FROM a AS x y\n", "FROM takes an image, as in FROM IMAGE or FROM IMAGE AS STAGE, and nothing after it" },
	{ "FROM $x\n", "FROM \"$x\" is empty once its variables are replaced" },
	{ "FROM --platfrom=x a\n", "FROM has no flag --platfrom; did you mean --platform?" },
	{ "FROM a\nCOPY --from=0 a b\n", "there is no stage 0 before this one, which is stage 0" },
	{ "FROM a AS x\nCOPY --from=x a b\n", "stage \"x\" cannot copy from itself" },
	{ "FROM a AS x\nCOPY --from=y a b\nFROM b AS y\nFROM x\n", "stage \"y\" comes later in the file" },
	{ "FROM a\nCOPY --from=1 a b\nFROM b\nCOPY --from=9 a b\nFROM c\n", NULL },
	{ "FROM a\nCOPY --from=$x a b\n", "--from takes no variables" },

	/* flags */
	{ "FROM a\nCOPY --chwon=1 a b\n", "COPY has no flag --chwon; did you mean --chown?" },
	{ "FROM a\nCOPY --chown a b\n", "--chown needs a value: --chown=..." },
	{ "FROM a\nCOPY --link=maybe a b\n", "--link is true or false, not \"maybe\"" },
	{ "FROM a\nCOPY --chown=1 --chown=2 a b\n", "--chown stands here twice" },
	{ "FROM a\nENV --x a=b\n", "ENV takes no flags, and --x is none of the command's" },
	{ "FROM a\nWORKDIR --x /y\n", "WORKDIR takes no flags" },

	/* arguments */
	{ "FROM a\nRUN\nCMD\nENTRYPOINT\n", NULL },
	{ "FROM a\nRUN []\n", "RUN needs a command" },
	{ "FROM a\nRUN [\"a\", 1]\n", "the JSON array of RUN may hold strings only" },
	{ "FROM a\nRUN [[\"a\"]]\n", "the JSON array of RUN may hold strings only" },
	{ "FROM a\nRUN [\"a\\u0000\"]\n", "no argument of RUN can hold a zero byte" },
	{ "FROM a\nENV\n", "ENV needs a variable, as in ENV NAME=VALUE" },
	{ "FROM a\nENV x\n", "ENV x has no value; expected x=VALUE" },
	{ "FROM a\nENV =x\n", "ENV: the name before \"=\" is missing" },
	{ "FROM a\nENV a=1 b\n", "ENV needs NAME=VALUE here, not \"b\"; quote a value with blanks" },
	{ "FROM a\nENV $n=1\n", "ENV: \"$n\" is empty once its variables are replaced" },
	{ "FROM a\nENV a='x\n", "a single quote is not closed" },
	{ "FROM a\nARG =x\n", "ARG: the name before \"=\" is missing" },
	{ "FROM a\nARG\n", "ARG needs a name, as in ARG NAME or ARG NAME=DEFAULT" },
	{ "FROM a\nENV x=\"${v:?set v with --build-arg v=...}\"\n", "v: set v with --build-arg v=..." },
	{ "FROM a\nEXPOSE 70000\n", "EXPOSE needs PORT[-PORT][/tcp|udp|sctp], not \"70000\"" },
	{ "FROM a\nEXPOSE 80/http\n", "not \"80/http\"" },
	{ "FROM a\nEXPOSE 90-80\n", "the range 90-80 ends before it begins" },
	{ "FROM a\nSTOPSIGNAL $x\n", "STOPSIGNAL: \"$x\" is empty once its variables are replaced" },
	{ "FROM a\nSTOPSIGNAL 0\n", "signal 0 ends no process" },
	{ "FROM a\nCOPY --chmod=999 a b\n", "--chmod: " },
	{ "FROM a\nSHELL\n", "SHELL needs a JSON array" },
	{ "FROM a\nSHELL bash -c\n", "SHELL needs a JSON array, as in SHELL [\"/bin/bash\", \"-c\"]" },
	{ "FROM a\nHEALTHCHECK\n", "HEALTHCHECK needs CMD and a command, or NONE" },
	{ "FROM a\nHEALTHCHECK CMD\n", "HEALTHCHECK CMD needs a command" },
	{ "FROM a\nHEALTHCHECK NONE x\n", "HEALTHCHECK NONE takes no arguments" },
	{ "FROM a\nHEALTHCHECK --interval=5 CMD x\n", "--interval is a time such as 30s or 1m30s, not \"5\"" },
	{ "FROM a\nHEALTHCHECK --interval=1us CMD x\n", "--interval is at least 1ms, not \"1us\"" },
	{ "FROM a\nHEALTHCHECK --retries=-1 CMD x\n", "--retries" },
	{ "FROM a\nHEALTHCHECK RUN x\n", "HEALTHCHECK is followed by CMD or NONE, not \"RUN\"" },
	{ "FROM a\nONBUILD\n", "ONBUILD needs an instruction" },
	{ "FROM a\nONBUILD ONBUILD RUN x\n", "ONBUILD cannot hold ONBUILD" },
	{ "FROM a\nONBUILD FROM x\n", "ONBUILD cannot hold FROM" },
	{ "FROM a\nUNSET ENV\n", "UNSET needs ENV, EXPOSE, LABEL or VOLUME and a name" },
	{ "FROM a\nUNSET ENB x\n", "what UNSET removes" },
	{ "FROM a\nUNSET VOLUME [1]\n", "may hold strings only" },
	{ "FROM a\nCOPY a b c\n", "several sources need a directory: write \"c/\"" },
	{ "FROM a\nCOPY a <<EOF\nx\nEOF\n", "the destination cannot be a heredoc" },

	/* heredocs */
	{ "FROM a\nRUN <<EOF\nx\n", "the heredoc has no end: no line is \"EOF\"\n   2 | RUN <<EOF\n     |     ^~~~~" },
	{ "FROM a\nCOPY <<A <<B /x/\n1\nA\n2\n", "no line is \"B\"\n   2 | COPY <<A <<B /x/\n     |          ^~~" },

	/* RUN --mount */
	{ "FROM a\nRUN --mount=type=cach,target=/x true\n", "cach" },
	{ "FROM a\nRUN --mount=type=cache true\n", "a mount of type cache needs a target" },
	{ "FROM a\nRUN --mount=type=bind,target=. true\n", "a mount of type bind cannot be at \"/\": it would hide the step's own files" },
	{ "FROM a\nWORKDIR /a\nRUN --mount=type=tmpfs,target=/a/.. true\n", "a mount of type tmpfs cannot be at \"/\"" },
	{ "FROM a\nRUN --mount=target=/x,size=1m true\n", "a mount of type bind knows no \"size\"" },
	{ "FROM a\nRUN --mount=target=/x,sorce=/y true\n", "--mount knows no \"sorce\"; did you mean \"source\"?" },
	{ "FROM a\nRUN --mount=target=/x,from=$y true\n", "from takes no variables; give the stage a name" },
	{ "FROM a\nRUN --mount=type=secret true\n", "a mount of type secret needs an id or a target" },
	{ "FROM a\nRUN --mount=type=cache,target=/x,mode=9 true\n", "mode is octal, not \"9\"" },
	{ "FROM a\nRUN --mount=type=cache,target=/x,ro=perhaps true\n", "ro is true or false, not \"perhaps\"" },
	{ "FROM a\nRUN --network=bridge true\n", "network=bridge" },
	{ "FROM a\nCOPY --link --chown=web a b\n", "with --link, --chown takes numbers only: \"web\"" },
	{ "FROM a\nCOPY --link --chown=1:2 a b\n", NULL },
	{ "FROM a\nSTOPSIGNAL TREM\n", "Mockerfile:2: signal" },
	{ "FROM a\nSTOPSIGNAL SIGRTMIN+3\nSTOPSIGNAL 9\nSTOPSIGNAL int\n", NULL },
};
/* clang-format on */

static void errors_show_their_place(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(error_rows); i++) {
		struct error err = { 0 };
		int result = run(error_rows[i].text, NULL, &err);

		if (!error_rows[i].expected)
			CHECK_OK(result, &err);
		else if (!test_check_int(
				 __FILE__, __LINE__, error_rows[i].text, result, -1) ||
			 !test_check_has(__FILE__, __LINE__, error_rows[i].text, err.text,
				 error_rows[i].expected))
			continue;
		else if (str_after(error_rows[i].expected, "Mockerfile:2: COPY needs"))
			CHECK_STR(err.text, error_rows[i].expected);
	}
}

static void a_zero_byte_is_no_text(void)
{
	auto_mockerfile file = { 0 };
	struct error err;

	CHECK_FAILS(mockerfile_parse("M", "FROM a\nRUN \0x\n", 14, NULL, &file, &err),
		&err, "M: line 2 holds a zero byte; is this a text file?");
}

static void files_without_measure_end_soon(void)
{
	static const struct {
		const char *head, *unit, *expected;
		size_t count;
	} rows[] = {
		{ "FROM a\n", "RUN x\n", "more than 20000 instructions", 700000 },
		{ "FROM a\nENV", " a=b", "ENV has more than 10000 arguments", 1000000 },
		{ "FROM a\nRUN x", " \\\n x", NULL, 800000 },
		{ "FROM a\nRUN [", "[", NULL, 4000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_str text = { 0 };
		struct error err = { 0 };
		int result;

		str_append(&text, rows[i].head);
		for (size_t j = 0; j < rows[i].count; j++)
			str_append(&text, rows[i].unit);
		result = run(text.data, NULL, &err);
		if (rows[i].expected)
			CHECK_FAILS(result, &err, rows[i].expected);
		else
			CHECK_OK(result, &err);
	}
}

static void variables_without_measure_end_soon(void)
{
	auto_str text = { 0 };
	struct error err = { 0 };

	str_append(&text, "FROM a\n");
	for (int i = 0; i < 5000; i++)
		str_appendf(&text, "ENV v%d=$v%d\n", i, i - 1);
	CHECK_FAILS(run(text.data, NULL, &err), &err, "more than 4096 variables");
}

/* ---- steps ---- */

struct step_row {
	const char *text;     /* the instructions of a stage */
	const char *parts[6]; /* of all steps' keys */
};

/* clang-format off */
static const struct step_row step_rows[] = {
	{ "ENV a=1\nENV a=2 b=$a\nRUN x", { "name 1:b\nvalue 1:1\n", "environment 3:a=2", "environment 3:b=1" } },
	{ "ARG v=1\nENV v=2\nUSER $v", { "word 1:2" } },
	{ "ENV v=2\nARG v=1\nUSER $v\nRUN x", { "word 1:1", "environment 3:v=1" } },
	{ "ENV v=2\nARG v\nUSER $v", { "word 1:2" } },
	{ "ARG v=1\nENV v=2\nUNSET ENV v\nUSER $v", { "word 1:1" } },
	{ "ARG TARGETARCH\nARG TARGETPLATFORM\nUSER $TARGETARCH-$TARGETPLATFORM", { "word 17:arm64-linux/arm64" } },
	{ "USER ${TARGETARCH:-undeclared}", { "word 10:undeclared" } },
	{ "ARG a=x b=${a:-y}\nUSER $a$b", { "word 2:xx" } },
	{ "WORKDIR /a\nWORKDIR b/../c\nWORKDIR d", { "word 2:/a", "word 4:/a/c", "word 6:/a/c/d" } },
	{ "WORKDIR /w\nCOPY a .\nCOPY a x\nCOPY a x/\nCOPY a /", { "destination 3:/w/\n", "destination 4:/w/x\n", "destination 5:/w/x/\n", "destination 1:/\n" } },
	{ "WORKDIR /w\nCOPY a $none\nCOPY a \"\"", { "destination 3:/w/\n" } },
	{ "COPY a /q/.\nCOPY a /r/./", { "destination 2:/q\n", "destination 3:/r/\n" } },
	{ "ENV d=/data\nVOLUME $d ${d}2\nVOLUME [\"$d 3\"]", { "word 5:/data\n", "word 6:/data2\n", "word 7:/data 3\n" } },
	{ "EXPOSE 80 53/udp 7-9/SCTP 80/tcp", { "word 6:80/tcp\nword 6:53/udp\nword 6:7/sctp\nword 6:8/sctp\nword 6:9/sctp\n" } },
	{ "ENV p=\"1 2\"\nEXPOSE $p", { "word 5:1/tcp\nword 5:2/tcp\n" } },
	{ "EXPOSE $none 80/ 81", { "word 6:80/tcp\nword 6:81/tcp\n" } },
	{ "RUN\nCMD", { "instruction 3:RUN\nshell 0:\n", "instruction 3:CMD\nshell 0:\n" } },
	{ "ENV x=1\nRUN echo $x", { "shell 7:echo $x" } },
	{ "RUN [\"echo\", \"$x\"]", { "exec 4:echo\nexec 2:$x\n" } },
	{ "RUN <<EOF\na\nb\nEOF", { "shell 4:a\nb\n" } },
	{ "RUN <<EOF\n#!/bin/sh\nb\nEOF", { "exec 14:/dev/pipes/EOF", "script 12:#!/bin/sh\nb\n" } },
	{ "RUN cat <<EOF >x\na\nEOF", { "shell 18:cat <<EOF >x\na\nEOF" } },
	{ "ENV x=1\nCOPY <<A <<'B' /d/\n$x\nA\n$x\nB", { "content 2:1\n", "content 3:$x\n" } },
	{ "COPY --chown=$u --chmod=644 --exclude=*.a --exclude=*.b --parents --link a b", { "copy 1 1 0 0", "chmod 3:644", "exclude 3:*.a\nexclude 3:*.b\n" } },
	{ "ADD --keep-git-dir=true --unpack=false a b", { "copy 0 0 1 0" } },
	{ "ADD a b", { "copy 0 0 0 1" } },
	{ "HEALTHCHECK --interval=1h30m --timeout=1.5s --retries=3 CMD a b", { "test 9:CMD-SHELL\ntest 3:a b\n", "health 5400000000000 1500000000 0 0 3" } },
	{ "HEALTHCHECK NONE", { "test 4:NONE" } },
	{ "HEALTHCHECK CMD [\"a\"]", { "test 3:CMD\ntest 1:a\n" } },
	{ "ONBUILD RUN a\nONBUILD COPY <<E /x\nt\nE", { "word 5:RUN a\n", "word 15:COPY <<E /x\nt\nE" } },
	{ "INCLUDE users.inc\nRUN x", { "word 3:web" } },
	{ "ENV a=1 b=2\nUNSET ENV a\nRUN echo", { "unset 0", "environment 3:b=2" } },
	{ "STOPSIGNAL 9\nMAINTAINER a $b", { "word 1:9", "word 4:a $b" } },
	{ "LABEL a.b=\"c d\" e='$f'", { "name 3:a.b\nvalue 3:c d\n", "value 2:$f\n" } },
	{ "ENV old  the  'rest'", { "value 9:the  rest\n" } },
	{ "WORKDIR /w\nRUN --mount=target=x,source=/s --mount=type=cache,dst=/c,sharing=locked,uid=7 x",
	  { "mount 0 0 1 0 755 0 0 0\nsource 2:/s\ntarget 4:/w/x\n", "mount 1 2 0 0 755 7 0 0\nsource 1:/\ntarget 2:/c\nid 2:/c\n" } },
	{ "RUN --mount=type=tmpfs,target=/t,size=1m --mount=type=secret,id=s,env=S --mount=type=ssh x",
	  { "mount 2 0 0 0 755 0 0 1048576\n", "mount 3 0 1 0 400 0 0 0\nid 1:s\nenv 1:S\n", "mount 4 0 1 0 600 0 0 0\nid 7:default\n" } },
	{ "RUN --mount=type=secret,target=/run/x/token,required \"--network=none\" x", { "mount 3 0 1 1 400 0 0 0\ntarget 12:/run/x/token\nid 5:token\n" } },
	{ "RUN --network=none --security=insecure x", { "network 1 security 1" } },
	{ "RUN --device=vendor.com/gpu=all --device=name=x,required=false x", { "shell 1:x" } },
};
/* clang-format on */

static void steps_are_expanded(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(step_rows); i++) {
		auto_free char *text =
			str_format("FROM scratch\n%s\n", step_rows[i].text);
		auto_str keys = { 0 };
		struct error err = { 0 };

		if (!CHECK_OK(run(text, &keys, &err), &err))
			continue;
		for (size_t j = 0; step_rows[i].parts[j]; j++)
			test_check_has(__FILE__, __LINE__, step_rows[i].text, keys.data,
				step_rows[i].parts[j]);
	}
}

/* ---- plans ---- */

static const char stages[] = "ARG BASE=debian\n"
			     "FROM $BASE AS Base\n"
			     "FROM base AS unused\n"
			     "FROM scratch\n"
			     "FROM base AS build\n"
			     "COPY --from=2 a b\n"
			     "FROM --platform=$BUILDPLATFORM alpine AS tools\n"
			     "FROM scratch AS final\n"
			     "RUN --mount=type=bind,from=tools,target=/t x\n"
			     "COPY --from=build /a /b\n"
			     "COPY --from=nginx:latest /a /b\n";

static int make_plan(struct mockerfile *file, const struct plan_options *options,
	struct plan *ret, struct error *err)
{
	if (mockerfile_parse("Mockerfile", stages, strlen(stages), NULL, file, err) < 0)
		return -1;
	return plan_make(file, options, ret, err);
}

static char *order_of(const struct plan *plan)
{
	auto_str text = { 0 };

	for (size_t i = 0; i < plan->order_count; i++)
		str_appendf(&text, "%zu ", plan->order[i]);
	return str_take(&text);
}

static void plans_leave_out_what_nobody_needs(void)
{
	auto_mockerfile file = { 0 };
	auto_plan plan = { 0 };
	struct plan_options options = { 0 };
	auto_free char *order = NULL;
	struct error err;

	CHECK_OK(make_plan(&file, &options, &plan, &err), &err);
	order = order_of(&plan);
	CHECK_STR(order, "0 2 3 4 5 ");
	CHECK_INT(plan.stages[0].base, STAGE_BASE_IMAGE);
	CHECK_STR(plan.stages[0].base_name, "debian");
	CHECK_STR(plan.stages[0].name, "base");
	CHECK_INT(plan.stages[1].base, STAGE_BASE_STAGE);
	CHECK_INT(plan.stages[2].base, STAGE_BASE_SCRATCH);
	CHECK(plan.stages[4].platform && str_after(plan.stages[4].platform, "linux/"));
}

static void a_target_can_be_chosen(void)
{
	auto_pairs arguments = { 0 };
	struct plan_options options = { .target = "BUILD", .build_args = &arguments };
	auto_mockerfile file = { 0 };
	auto_mockerfile again = { 0 };
	auto_plan plan = { 0 };
	auto_free char *order = NULL;
	struct error err;

	pairs_set(&arguments, "BASE", "ubuntu");
	pairs_set(&arguments, "TYPO", "x");
	pairs_set(&arguments, "http_proxy", "x");
	CHECK_OK(make_plan(&file, &options, &plan, &err), &err);
	order = order_of(&plan);
	CHECK_STR(order, "0 2 3 ");
	CHECK_STR(plan.stages[0].base_name, "ubuntu");
	CHECK_INT(plan.unused_args.count, 1);
	CHECK_STR(plan.unused_args.items[0], "TYPO");
	plan_free(&plan);
	options.target = "biuld";
	CHECK_FAILS(make_plan(&again, &options, &plan, &err), &err,
		"Mockerfile has no stage \"biuld\"; did you mean \"build\"?");
}

static void a_file_without_from_stands_on_the_host(void)
{
	auto_mockerfile file = { 0 };
	auto_plan plan = { 0 };
	struct plan_options options = { 0 };
	struct error err;

	CHECK_OK(mockerfile_parse("M", "ARG a=1\nRUN x\n", 14, NULL, &file, &err), &err);
	CHECK_OK(plan_make(&file, &options, &plan, &err), &err);
	CHECK_INT(plan.stage_count, 1);
	CHECK_INT(plan.stages[0].base, STAGE_BASE_HOST);
	CHECK_INT(plan.stages[0].instruction_count, 2);
}

static void triggers_run_first(void)
{
	auto_mockerfile file = { 0 };
	auto_plan plan = { 0 };
	auto_strings triggers = { 0 };
	auto_str keys = { 0 };
	struct plan_options options = { 0 };
	struct error err;

	CHECK_OK(mockerfile_parse("M", "FROM a\nRUN y\n", 13, NULL, &file, &err), &err);
	CHECK_OK(plan_make(&file, &options, &plan, &err), &err);
	strings_add(&triggers, "RUN x");
	strings_add(&triggers, "COPY <<E /f\ntext\nE");
	CHECK_OK(plan_add_triggers(&plan, &plan.stages[0], &triggers, &err), &err);
	CHECK_OK(walk(&plan, &plan.stages[0], &keys, &err), &err);
	CHECK_INT(plan.stages[0].instruction_count, 3);
	CHECK(strstr(keys.data, "shell 1:x") < strstr(keys.data, "shell 1:y"));
}

static void proxies_stay_out_of_the_cache_key(void)
{
	auto_pairs given = { 0 };
	auto_scope scope = { 0 };
	auto_strings whole = { 0 };
	auto_strings hashed = { 0 };

	pairs_set(&given, "http_proxy", "p");
	pairs_set(&given, "OTHER", "o");
	scope_init(&scope, &given, NULL);
	scope_environment(&scope, &whole);
	scope_cache_environment(&scope, &hashed);
	CHECK_INT(whole.count, 1);
	CHECK_INT(hashed.count, 0);
	scope_declare(&scope, "http_proxy", NULL);
	scope_cache_environment(&scope, &hashed);
	CHECK_INT(hashed.count, 1);
}

static void args_are_inherited_and_kept(void)
{
	auto_pairs given = { 0 };
	auto_scope base = { 0 };
	auto_scope scope = { 0 };

	pairs_set(&given, "GIVEN", "g");
	scope_init(&base, &given, NULL);
	scope_declare(&base, "DEFAULT", "d");
	scope_declare(&base, "GIVEN", "no");
	scope_declare(&base, "NONE", NULL);
	scope_init(&scope, &given, NULL);
	CHECK(scope_get(&scope, "DEFAULT") == NULL);
	scope_inherit(&scope, &base);
	CHECK_STR(scope_get(&scope, "DEFAULT"), "d");
	CHECK_STR(scope_get(&scope, "GIVEN"), "g");
	CHECK(strings_contain(&scope.declared, "NONE"));
	scope_declare(&scope, "DEFAULT", NULL);
	CHECK_STR(scope_get(&scope, "DEFAULT"), "d");
	CHECK(scope_is_builders("BUILDKIT_SYNTAX"));
	CHECK(!scope_is_builders("SYNTAX"));
}

static const struct test tests[] = {
	{ "files are parsed into the instructions expected", files_are_parsed },
	{ "each error has its words and shows its place", errors_show_their_place },
	{ "a zero byte is no text", a_zero_byte_is_no_text },
	{ "files without measure end soon", files_without_measure_end_soon },
	{ "variables without measure end soon", variables_without_measure_end_soon },
	{ "steps are expanded", steps_are_expanded },
	{ "plans leave out what nobody needs", plans_leave_out_what_nobody_needs },
	{ "a target can be chosen", a_target_can_be_chosen },
	{ "a file without FROM stands on the host",
		a_file_without_from_stands_on_the_host },
	{ "ONBUILD triggers run first", triggers_run_first },
	{ "ARGs are inherited from the base stage, and kept when named again",
		args_are_inherited_and_kept },
	{ "proxy arguments stay out of the cache key",
		proxies_stay_out_of_the_cache_key },
};

TEST_MAIN(tests)
