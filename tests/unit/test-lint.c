/* Lint: each rule with a file that it finds something in, and one that it passes. */
#include "builder/language/lint.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const char *text;
	const char *findings; /* "LINE RULE: MESSAGE\n" each */
	const char *ignore;
};

/* clang-format off */
static const struct row rows[] = {
	{ "FROM scratch AS Base\n", "1 StageNameCasing: Stage name 'Base' should be lowercase\n" },
	{ "FROM scratch as base\n", "1 FromAsCasing: 'as' and 'FROM' keywords' casing do not match\n" },
	{ "from scratch as base\nrun x\n", "" },
	{ "FROM scratch\nrun x\n", "2 ConsistentInstructionCasing: Command 'run' should match the case of the command majority (uppercase)\n" },
	{ "FROM scratch AS a\nFROM scratch AS a\n", "2 DuplicateStageName: Duplicate stage name \"a\", stage names should be unique\n" },
	{ "FROM x AS scratch\n", "1 ReservedStageName: Stage name should not use the same name as reserved stage \"scratch\"\n" },
	{ "FROM scratch\nRUN a \\\n\n  b\n", "2 NoEmptyContinuation: Empty continuation line\n" },
	{ "FROM scratch\nMAINTAINER me\n", "2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label\n" },
	{ "FROM scratch\nENV a b\n", "2 LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format\n" },
	{ "FROM scratch\nCMD x\n", "2 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals\n" },
	{ "FROM scratch\nSHELL [\"/bin/bash\", \"-c\"]\nCMD x\n", "" },
	{ "FROM scratch\nCMD [\"x\"]\nCMD [\"y\"]\n", "2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used\n" },
	{ "FROM scratch\nEXPOSE 80/TCP\n", "2 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase\n" },
	{ "FROM scratch\nEXPOSE 127.0.0.1:80:80\n", "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'\n" },
	{ "FROM --platform=$TARGETPLATFORM scratch\n", "1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior\n" },
	{ "FROM --platform=linux/amd64 scratch\n", "1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"linux/amd64\"\n" },
	{ "FROM --platform=$BUILDPLATFORM scratch\n", "" },
	{ "FROM scratch\nENV DB_PASSWORD=x PUBLIC_KEY=y monkey=z\nARG token\n", "2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV \"DB_PASSWORD\")\n3 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG \"token\")\n" },
	{ "FROM scratch\nCOPY ./a b* c/\nADD d/e f\n", "2 CopyIgnoredFile: Attempting to Copy file \"./a\" that is excluded by .dockerignore\n3 CopyIgnoredFile: Attempting to Add file \"d/e\" that is excluded by .dockerignore\n", "a\nb*\nd" },
	{ "FROM scratch\nCOPY --from=x a b\n", "", "a" },
	{ "ARG VERSION=1\nFROM debian:${VERSIO:-2}\n", "2 UndefinedArgInFrom: FROM argument 'VERSIO' is not declared (did you mean VERSION?)\n" },
	{ "FROM scratch\nWORKDIR app\nWORKDIR /x\nWORKDIR y\n", "2 WorkdirRelativePath: Relative workdir \"app\" can have unexpected results if the base image changes\n" },
	{ "FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b\n", "" },
	{ "FROM scratch\nENV a=$nothing\n", "2 UndefinedVar: Usage of undefined variable '$nothing'\n" },
	{ "FROM scratch\nENV DIRECTORY=/x\nWORKDIR $DIRECTRY/y\n", "3 UndefinedVar: Usage of undefined variable '$DIRECTRY' (did you mean $DIRECTORY?)\n" },
	{ "FROM debian\nENV x=$JAVA_HOME PATH=$PATH:/x\n", "" },
	{ "FROM scratch AS a\nENV x=1\nFROM a\nENV y=$x\nARG z\nENV w=$z\n", "" },
	{ "FROM scratch AS a\nARG x=1\nFROM a\nENV y=$x\n", "" },
	{ "FROM scratch\nRUN echo $nothing\n", "" },
	{ "# check=skip=MaintainerDeprecated, StageNameCasing\nFROM scratch AS A\nMAINTAINER me\nCMD x\n", "4 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals\n" },
	{ "ARG TAG\nFROM busybox:${TAG}\n", "2 InvalidDefaultArgInFrom: Default value for ARG busybox:${TAG} results in empty or invalid base image name\n" },
	{ "ARG IMAGE\nFROM $IMAGE\n", "2 InvalidDefaultArgInFrom: Default value for ARG $IMAGE results in empty or invalid base image name\n" },
	{ "ARG TAG=latest\nARG VARIANT\nFROM busybox:$TAG\nFROM busybox:stable${VARIANT}\nFROM alpine:${VARIANT:-3.14}\nFROM rootfs:x${VARIANT}\n", "" },
	{ "FROM --platform=$BUILDPLATFROM alpine\n", "1 UndefinedArgInFrom: FROM argument 'BUILDPLATFROM' is not declared (did you mean BUILDPLATFORM?)\n" },
	{ "# a comment\nFROM scratch AS base\n# another\nARG V=1\n", "" },
	{ "# check=experimental=InvalidDefinitionDescription\n# a comment\nFROM scratch AS base\n# another\nARG V=1\n# V=1\nARG A=1 B=2\n", "3 InvalidDefinitionDescription: Comment for FROM should follow the format: `# base <description>`\n5 InvalidDefinitionDescription: Comment for ARG should follow the format: `# V <description>`\n7 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`\n" },
	{ "# check=experimental=all;skip=StageNameCasing\n# Base compiles\nFROM scratch AS Base\n# not for it\n\nARG V=1\n# B is the second\nARG A B\n", "" },
	{ "FROM scratch\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\n", "2 MultipleInstructionsDisallowed: Multiple HEALTHCHECK instructions should not be used in the same stage because only the last one will be used\n" },
	{ "FROM scratch\nENTRYPOINT x\n", "2 JSONArgsRecommended: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals\n" },
	{ "FROM scratch\nLABEL a b\n", "2 LegacyKeyValueFormat: \"LABEL key=value\" should be used instead of legacy \"LABEL key value\" format\n" },
	{ "FROM x AS context\n", "1 ReservedStageName: Stage name should not use the same name as reserved stage \"context\"\n" },
	{ "FROM scratch\nADD https://host/a.git#a /\n", "", "https:\nhttp*" },
	{ "# check=skip=all\nFROM scratch AS A\nMAINTAINER me\n", "" },
};
/* clang-format on */

static void rules_find_what_they_should(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_mockerfile file = { 0 };
		auto_ignore ignore = { 0 };
		auto_lint_findings findings = { 0 };
		auto_str text = { 0 };
		struct error err;

		if (rows[i].ignore)
			CHECK_OK(ignore_parse(&ignore, "f", rows[i].ignore,
					 strlen(rows[i].ignore), &err),
				&err);
		CHECK_OK(mockerfile_parse("Mockerfile", rows[i].text,
				 strlen(rows[i].text), NULL, &file, &err),
			&err);
		CHECK_OK(lint_check(&file, &ignore, &findings, &err), &err);
		for (size_t j = 0; j < findings.count; j++)
			str_appendf(&text, "%u %s: %s\n", findings.items[j].span.line,
				findings.items[j].rule, findings.items[j].message);
		test_check_str(__FILE__, __LINE__, rows[i].text,
			text.data ? text.data : "", rows[i].findings);
	}
}

/* PORT may be the image's; where there is none, the build would fail as well. */
static void variables_of_images(void)
{
	static const char text[] = "FROM a\nSTOPSIGNAL $PORT\nRUN echo ${PORT:?no port}\n"
				   "USER $WHO\nRUN --mount=target=. ls\n";
	static const char scratch[] = "FROM scratch\nSTOPSIGNAL $PORT\n";
	auto_mockerfile file = { 0 };
	auto_mockerfile other = { 0 };
	auto_lint_findings findings = { 0 };
	struct error err;

	CHECK_OK(mockerfile_parse("Mockerfile", text, strlen(text), NULL, &file, &err),
		&err);
	CHECK_OK(lint_check(&file, NULL, &findings, &err), &err);
	CHECK_INT(findings.count, 0);
	CHECK_OK(mockerfile_parse(
			 "Mockerfile", scratch, strlen(scratch), NULL, &other, &err),
		&err);
	CHECK_INT(lint_check(&other, NULL, &findings, &err), -1);
}

static void findings_show_their_line(void)
{
	static const char text[] = "# check=error=true\nFROM scratch\nWORKDIR a\n";
	auto_mockerfile file = { 0 };
	auto_lint_findings findings = { 0 };
	auto_str shown = { 0 };
	struct error err;

	CHECK_OK(mockerfile_parse("Mockerfile", text, strlen(text), NULL, &file, &err),
		&err);
	CHECK_OK(lint_check(&file, NULL, &findings, &err), &err);
	CHECK(findings.fatal);
	lint_describe(&shown, &findings.items[0]);
	CHECK_STR(shown.data,
		"Mockerfile:3: WorkdirRelativePath: Relative workdir \"a\" can have unexpected results if the base image changes\n"
		"   3 | WORKDIR a\n"
		"     |         ^\n");
}

static void directives_are_read_as_buildkit_does(void)
{
	static const struct {
		const char *line, *result; /* "fatal", "" or a part of the error */
	} lines[] = {
		{ "# check=error=1", "fatal" },
		{ "# check=error=t", "fatal" },
		{ "# check= skip = A , B ; error = true ;", "fatal" },
		{ "# check=error=false;skip=WorkdirRelativePath ", "" },
		{ "# check=error=ture",
			"Mockerfile:1: check: error: expected true or false, found \"ture\"" },
		{ "# check=skp=all", "Mockerfile:1: check: \"skp\" is not known" },
		{ "# check=all", "Mockerfile:1: check: \"all\": expected skip=" },
		{ "# check=skip=A\n# check=error=true",
			"Mockerfile:2: the directive \"check\" stands here twice" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		auto_free char *text = str_format("%s\nFROM scratch\n", lines[i].line);
		auto_mockerfile file = { 0 };
		struct error err;

		if (mockerfile_parse(
			    "Mockerfile", text, strlen(text), NULL, &file, &err) < 0)
			CHECK(*lines[i].result && strstr(err.text, lines[i].result));
		else
			CHECK_STR(file.check.fatal ? "fatal" : "", lines[i].result);
	}
}

static const struct test tests[] = {
	{ "\"# check=\" is read as BuildKit does", directives_are_read_as_buildkit_does },
	{ "rules find what they should, in BuildKit's words",
		rules_find_what_they_should },
	{ "what an image may set is no fault of the file", variables_of_images },
	{ "a finding shows its line", findings_show_their_line },
};

TEST_MAIN(tests)
