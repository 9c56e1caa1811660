/* JSON ↔ structs: one table in which every kind has a row, and documents for it. */
#include "base/json.h"

#include <string.h>

#include "tests/unit/test.h"

struct inner {
	uint32_t id;
	char *name;
};

struct entry {
	char *key;
	int64_t number;
};

struct first {
	bool has_number; /* at offset 0 */
	uint32_t number;
};

struct outer {
	char *string;
	bool flag;
	bool has_choice;
	bool choice;
	uint16_t u16;
	bool has_u32;
	uint32_t u32;
	uint64_t u64;
	int32_t i32;
	int64_t i64;
	bool has_real;
	double real;
	int64_t word;
	struct strings strings;
	struct pairs pairs;
	char *raw;
	struct inner inner;
	struct inner *pointer;
	struct inner *array;
	size_t array_count;
	struct entry *map;
	size_t map_count;
	struct json_u32s u32s;
	struct json_i32s i32s;
	struct json_words words;
	struct strings set;
	char *lenient;
	struct first first;
};

static const struct word words[] = { { "one", 1 }, { "two", 2 }, { "uno", 1 },
	{ NULL, 0 } };

static const struct json_field inner_fields[] = {
	JSON_U32(struct inner, id, "id", .required = true),
	JSON_STRING(struct inner, name, "name"),
	JSON_END,
};
static const struct json_type inner_type = JSON_TYPE(struct inner, inner_fields);

static const struct json_field entry_fields[] = {
	JSON_I64(struct entry, number, "number"),
	JSON_END,
};
static const struct json_type entry_type = JSON_TYPE(struct entry, entry_fields);

static const struct json_field first_fields[] = {
	JSON_U32_OPT(struct first, number, "number"),
	JSON_END,
};
static const struct json_type first_type = JSON_TYPE(struct first, first_fields);

static const struct json_field outer_fields[] = {
	JSON_STRING(struct outer, string, "string"),
	JSON_BOOL(struct outer, flag, "flag"),
	JSON_BOOL_OPT(struct outer, choice, "choice"),
	JSON_U16(struct outer, u16, "u16"),
	JSON_U32_OPT(struct outer, u32, "u32"),
	JSON_U64(struct outer, u64, "u64"),
	JSON_I32(struct outer, i32, "i32"),
	JSON_I64(struct outer, i64, "i64"),
	JSON_DOUBLE_OPT(struct outer, real, "real"),
	JSON_WORD(struct outer, word, "word", words),
	JSON_STRINGS(struct outer, strings, "strings"),
	JSON_PAIRS(struct outer, pairs, "pairs"),
	JSON_RAW(struct outer, raw, "raw"),
	JSON_STRUCT(struct outer, inner, "inner", &inner_type),
	JSON_POINTER(struct outer, pointer, "pointer", &inner_type),
	JSON_ARRAY(struct outer, array, "array", &inner_type),
	JSON_MAP(struct outer, map, "map", &entry_type),
	JSON_U32S(struct outer, u32s, "u32s"),
	JSON_I32S(struct outer, i32s, "i32s"),
	JSON_WORDS(struct outer, words, "words", words),
	JSON_SET(struct outer, set, "set"),
	JSON_STRING(struct outer, lenient, "lenient", .any_type = true),
	JSON_STRUCT(struct outer, first, "first", &first_type),
	JSON_END,
};
static const struct json_type outer_type = JSON_TYPE(struct outer, outer_fields);

static const struct json_options options = { .name = "doc" };

static int read_text(const char *text, struct outer *ret, struct error *err)
{
	*ret = (struct outer){ 0 };
	return json_read(&outer_type, ret, text, strlen(text), &options, err);
}

static char *written(const struct outer *object, bool pretty)
{
	struct str str = { 0 };

	json_write(&str, &outer_type, object,
		(struct json_write_options){ .pretty = pretty });
	return str_take(&str);
}

/* ---- what is accepted, and what is written of it ------------------------------------ */

/* clang-format off */
static const struct {
	const char *document;
	const char *written; /* NULL: the document itself */
} good[] = {
	{ "{}", NULL },
	{ " \t\r\n{ } \n", "{}" },
	{ "{\"string\":\"\"}", NULL },
	{ "{\"string\":\"tab\\t quote\\\" slash\\/ e\\u00e9\"}",
		"{\"string\":\"tab\\t quote\\\" slash/ eé\"}" },
	{ "{\"string\":\"\\ud83d\\ude00\\u001b\"}", "{\"string\":\"😀\\u001b\"}" },
	{ "{\"string\":null,\"u32\":null,\"array\":null,\"map\":null,\"raw\":null}", "{}" },
	{ "{\"flag\":false}", "{}" },
	{ "{\"flag\":true,\"choice\":false}", NULL },
	{ "{\"u16\":65535,\"u32\":0,\"u64\":18446744073709551615}", NULL },
	{ "{\"i32\":-2147483648,\"i64\":-9223372036854775808}", NULL },
	{ "{\"i32\":2147483647,\"i64\":9223372036854775807}", NULL },
	{ "{\"i64\":-0}", "{}" },
	{ "{\"real\":0.1}", NULL },
	{ "{\"real\":-1.5e3}", "{\"real\":-1500}" },
	{ "{\"word\":\"two\"}", NULL },
	{ "{\"word\":\"uno\"}", "{\"word\":\"one\"}" },
	{ "{\"word\":\"\"}", "{}" },
	{ "{\"strings\":[],\"pairs\":{},\"array\":[],\"map\":{},\"u32s\":[],\"i32s\":[],"
	  "\"words\":[],\"set\":{}}",
		NULL },
	{ "{\"strings\":[\"a\",\"\",\"b\"]}", NULL },
	{ "{\"pairs\":{\"\":\"empty\",\"a/b~c\":\"\"}}", NULL },
	{ "{\"pairs\":{\"a\":null,\"b\":\"c\"}}", "{\"pairs\":{\"b\":\"c\"}}" },
	{ "{\"raw\":{\"b\" : [1.50,  true,null, {} ,[]],\n\"a\":\"x  y\"}}",
		"{\"raw\":{\"b\":[1.50,true,null,{},[]],\"a\":\"x  y\"}}" },
	{ "{\"raw\":\"a\\\"b\"}", NULL },
	{ "{\"raw\":-12.50}", NULL },
	{ "{\"raw\":false}", NULL },
	{ "{\"inner\":{\"id\":0}}", "{}" },
	{ "{\"pointer\":{\"id\":0}}", NULL },
	{ "{\"array\":[{\"id\":1},{\"name\":\"x\",\"id\":2}]}",
		"{\"array\":[{\"id\":1},{\"id\":2,\"name\":\"x\"}]}" },
	{ "{\"map\":{\"a\":{\"number\":1},\"b\":{}}}", NULL },
	{ "{\"u32s\":[0,4294967295],\"i32s\":[-1,1]}", NULL },
	{ "{\"words\":[\"two\",\"one\"]}", NULL },
	{ "{\"set\":{\"80/tcp\":{},\"x\":{\"ignored\":[1,{}]}}}",
		"{\"set\":{\"80/tcp\":{},\"x\":{}}}" },
	{ "{\"lenient\":[1,{\"a\":\"b\"}],\"flag\":true}", "{\"flag\":true}" },
	{ "{\"set\":{\"a\":null}}", "{\"set\":{\"a\":{}}}" },
	{ "{\"lenient\":5}", "{}" },
	{ "{\"first\":{\"number\":0}}", NULL },
	{ "{\"unknown\":{\"a\":[[[]]]},\"flag\":true,\"more\":null}", "{\"flag\":true}" },
	{ "{\"\\u0066lag\":true}", "{\"flag\":true}" },
};
/* clang-format on */

static void reads_and_writes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct outer object;
		struct error err;
		auto_free char *text = NULL;

		if (!CHECK_OK(read_text(good[i].document, &object, &err), &err))
			continue;
		text = written(&object, false);
		CHECK_STR(text, good[i].written ? good[i].written : good[i].document);
		json_free(&outer_type, &object);
	}
}

/* What is written reads as the same again, indented or not, and so does a copy. */
static void round_trips(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct outer first;
		struct outer second;
		struct outer copy = { 0 };
		struct error err;
		auto_free char *once = NULL;
		auto_free char *twice = NULL;
		auto_free char *copied = NULL;

		if (!CHECK_OK(read_text(good[i].document, &first, &err), &err))
			continue;
		once = written(&first, true);
		CHECK_OK(read_text(once, &second, &err), &err);
		CHECK_OK(json_copy(&outer_type, &copy, &first, &err), &err);
		twice = written(&second, true);
		copied = written(&copy, true);
		CHECK_STR(twice, once);
		CHECK_STR(copied, once);
		json_free(&outer_type, &first);
		json_free(&outer_type, &second);
		json_free(&outer_type, &copy);
	}
}

static void indents(void)
{
	static const char document[] = "{\"strings\":[\"a\"],\"raw\":{\"x\":[1,{}]},"
				       "\"array\":[{\"id\":1}],\"set\":{}}";
	struct outer object;
	struct error err;
	auto_free char *text = NULL;

	CHECK_OK(read_text(document, &object, &err), &err);
	text = written(&object, true);
	CHECK_STR(text, "{\n"
			"  \"strings\": [\n"
			"    \"a\"\n"
			"  ],\n"
			"  \"raw\": {\n"
			"    \"x\": [\n"
			"      1,\n"
			"      {}\n"
			"    ]\n"
			"  },\n"
			"  \"array\": [\n"
			"    {\n"
			"      \"id\": 1\n"
			"    }\n"
			"  ],\n"
			"  \"set\": {}\n"
			"}\n");
	json_free(&outer_type, &object);
}

/* ---- what is refused, and how ------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *document;
	const char *error;
} bad[] = {
	{ "", "doc:1:1: expected an object, found nothing: the file is empty" },
	{ "  \n", "the file is empty" },
	{ "[]", "doc:1:1: expected an object, found an array" },
	{ " 5", "doc:1:2: expected an object, found a number" },
	{ "null", "doc:1:1: expected an object, found null" },
	{ "{", "doc:1:2: invalid JSON: the document ends before it is complete" },
	{ "{\"string\":\"a", "/string: invalid JSON: the document ends before" },
	{ "{} x", "doc:1:4: invalid JSON: text after the end of the document" },
	{ "{}{}", "doc:1:3: invalid JSON: text after" },
	{ "{]", "doc:1:2: invalid JSON: expected a member's name in quotes" },
	{ "{\"flag\":true,}", "doc:1:14: invalid JSON: expected a member's name" },
	{ "{\"flag\" true}", "doc:1:9: /flag: invalid JSON: expected a colon" },
	{ "{\"flag\":true \"u16\":1}", "doc:1:14: invalid JSON: expected ',' or '}'" },
	{ "{\"strings\":[\"a\" \"b\"]}", "doc:1:17: /strings/1: invalid JSON: expected ','" },
	{ "{\"flag\":tru}", "/flag: invalid JSON: expected true, false, null or quotes" },
	{ "{\"string\":\"\\q\"}", "/string: invalid JSON: inside a string" },
	{ "{\"string\":\"a\nb\"}", "doc:1:13: /string: invalid JSON: invalid character" },
	{ "/* */ {}", "doc:1:1: invalid JSON: probable comment" },
	{ "\xef\xbb\xbf{}", "doc:1:1: the file begins with a byte order mark" },
	{ "{\"string\":\"\xff\"}", "doc:1:12: invalid UTF-8: byte 0xff" },
	{ "{\"string\":\"\xc0\x80\"}", "invalid UTF-8: byte 0xc0" },
	{ "{\"string\":\"\xed\xa0\x80\"}", "invalid UTF-8: byte 0xed" },
	{ "{\"string\":\"\xf4\x90\x80\x80\"}", "invalid UTF-8: byte 0xf4" },
	{ "{\"string\":\"a\\u0000b\"}", "doc:1:11: /string: the string has a NUL" },
	{ "{\"a\\u0000b\":1}", "doc:1:2: the string has a NUL" },
	{ "{\"string\":\"\\ud800\"}", "/string: the string has half a surrogate pair" },
	{ "{\"string\":\"\\udc00\\ud800\"}", "half a surrogate pair" },
	{ "{\"string\":\"\\ud800\\u0041\"}", "half a surrogate pair" },
	{ "{\"string\":1}", "doc:1:11: /string: expected a string, found a number" },
	{ "{\"string\":{}}", "/string: expected a string, found an object" },
	{ "{\"flag\":\"true\"}", "/flag: expected true or false, found a string" },
	{ "{\"flag\":0}", "/flag: expected true or false, found a number" },
	{ "{\"u16\":65536}", "doc:1:8: /u16: expected an integer from 0 to 65535, found 65536" },
	{ "{\"u32\":-1}", "/u32: expected an integer from 0 to 4294967295, found -1" },
	{ "{\"u64\":18446744073709551616}", "found 18446744073709551616" },
	{ "{\"u64\":\"1\"}", "/u64: expected an unsigned integer, found a string" },
	{ "{\"u64\":1.0}", "/u64: expected an unsigned integer, found 1.0" },
	{ "{\"i64\":1e3}", "/i64: expected an integer, found 1e3" },
	{ "{\"i32\":2147483648}", "/i32: expected an integer from -2147483648 to 2147483647" },
	{ "{\"i64\":-9223372036854775809}", "found -9223372036854775809" },
	{ "{\"i64\":99999999999999999999999999999999999999999999999999}", "found 9999999" },
	{ "{\"u16\":01}", "invalid JSON" },
	{ "{\"real\":1e999}", "/real: expected a number, found one too large: 1e999" },
	{ "{\"word\":\"tow\"}", "doc:1:9: /word: unknown word \"tow\"; did you mean \"two\"?" },
	{ "{\"word\":\"elephant\"}", "unknown word \"elephant\", expected one of one, two" },
	{ "{\"word\":\"\\u001b[31m\"}", "unknown word \"\\u001b[31m\"" },
	{ "{\"words\":[\"one\",\"\"]}", "/words/1: unknown word \"\"" },
	{ "{\"strings\":[\"a\",1]}", "doc:1:17: /strings/1: expected a string, found a number" },
	{ "{\"strings\":{}}", "/strings: expected an array, found an object" },
	{ "{\"strings\":[null]}", "/strings/0: expected a string, found null" },
	{ "{\"pairs\":{\"a/b~c\":1}}", "doc:1:19: /pairs/a~1b~0c: expected a string" },
	{ "{\"pairs\":[]}", "/pairs: expected an object, found an array" },
	{ "{\"inner\":{}}", "doc:1:10: /inner: the required member \"id\" is missing" },
	{ "{\"inner\":{\"id\":null}}", "/inner/id: expected an unsigned integer, found null" },
	{ "{\"array\":[{\"id\":1},\n {\"id\":\"é\"}]}",
		"doc:2:8: /array/1/id: expected an unsigned integer, found a string" },
	{ "{\"string\":\"é\",\"u16\":\"\"}", "doc:1:21: /u16" },
	{ "{\"array\":[null]}", "/array/0: expected an object, found null" },
	{ "{\"map\":{\"k\":1}}", "/map/k: expected an object, found a number" },
	{ "{\"set\":{\"k\":1}}", "/set/k: expected an object, found a number" },
	{ "{\"u32s\":[1,-1]}", "/u32s/1: expected an integer from 0 to 4294967295" },
	{ "{\"flag\":true,\"flag\":true}", "doc:1:14: /flag: duplicate member" },
	{ "{\"flag\":null,\"flag\":true}", "/flag: duplicate member" },
	{ "{\"flag\":true,\"\\u0066lag\":true}", "/flag: duplicate member" },
	{ "{\"pairs\":{\"a\":\"b\",\"\\u0061\":\"c\"}}", "doc:1:19: /pairs/a: duplicate member" },
	{ "{\"map\":{\"a\":{},\"a\":{}}}", "/map/a: duplicate member" },
	{ "{\"raw\":{\"a\":1,\"a\":2}}", "/raw/a: duplicate member" },
	{ "{\"other\":1,\"other\":2}", "/other: duplicate member" },
};
/* clang-format on */

static void refuses(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct outer object;
		struct error err = { 0 };
		auto_free char *left = NULL;

		CHECK_FAILS(
			read_text(bad[i].document, &object, &err), &err, bad[i].error);
		left = written(&object, false);
		CHECK_STR(left, "{}");
	}
}

static void is_case_sensitive_unless_told(void)
{
	static const char document[] = "{\"FLAG\":true,\"InNer\":{\"ID\":7}}";
	struct json_options any_case = { .name = "doc", .any_case = true };
	struct outer object = { 0 };
	struct error err;

	CHECK_OK(read_text(document, &object, &err), &err);
	CHECK(!object.flag);
	json_free(&outer_type, &object);
	CHECK_OK(json_read(&outer_type, &object, document, strlen(document), &any_case,
			 &err),
		&err);
	CHECK(object.flag);
	CHECK_INT(object.inner.id, 7);
	json_free(&outer_type, &object);
}

static void collect(void *argument, const char *line)
{
	strings_add(argument, line);
}

static void reports_unknown_members(void)
{
	static const char document[] =
		"{\n \"strimg\": \"x\",\n \"inner\": {\"id\":1,\"nmae\":\"\"},\n \"zzzz\": {\"a\":1}}";
	auto_strings lines = { 0 };
	struct json_options reporting = {
		.name = "doc",
		.unknown = collect,
		.argument = &lines,
	};
	struct outer object = { 0 };
	struct error err;

	CHECK_OK(json_read(&outer_type, &object, document, strlen(document), &reporting,
			 &err),
		&err);
	CHECK_INT(lines.count, 3);
	CHECK_STR(lines.items[0],
		"doc:2:2: /strimg: unknown member; did you mean \"string\"?");
	CHECK_STR(lines.items[1],
		"doc:3:19: /inner/nmae: unknown member; did you mean \"name\"?");
	CHECK_STR(lines.items[2], "doc:4:2: /zzzz: unknown member");
	json_free(&outer_type, &object);
}

static void tells_empty_from_absent(void)
{
	struct outer object;
	struct error err;

	CHECK_OK(read_text("{\"strings\":[],\"choice\":false}", &object, &err), &err);
	CHECK(object.strings.items && !object.strings.items[0]);
	CHECK(object.has_choice && !object.choice);
	CHECK(!object.set.items && !object.pairs.items && !object.array);
	strings_add(&object.strings, "grows");
	CHECK_STR(object.strings.items[0], "grows");
	json_free(&outer_type, &object);
}

static void escapes_what_is_written(void)
{
	auto_str str = { 0 };

	json_append_string(&str, "a\"\\\b\f\n\r\t\x01\x7f é \xff\xc3");
	CHECK_STR(str.data,
		"\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f é \xef\xbf\xbd\xef\xbf\xbd\"");
}

static const struct {
	const char *error;
	const char *placed;
} places[] = {
	{ "/a: x", "doc:1:7: /a: x" },
	{ "/b/1/c~1d: x: y", "doc:2:19: /b/1/c~1d: x: y" },
	{ "/b/0: x", "doc:2:8: /b/0: x" },
	{ "/b/7/e: x", "doc:2:7: /b/7/e: x" },
	{ "/é~0/z: x", "doc:3:8: /é~0/z: x" },
	{ "/a/b/c: x", "doc:1:7: /a/b/c: x" },
	{ "/absent: x", "doc:1:1: /absent: x" },
	{ "/: x", "doc:4:6: /: x" },
	{ "no pointer", "doc: no pointer" },
	{ "/no message", "doc: /no message" },
};

static void places_later_errors(void)
{
	static const char document[] = "{\"a\": \"]}\\\"\",\n"
				       " \"b\": [1, {\"c/d\": true}],\n"
				       " \"é~\": {},\n"
				       " \"\": 5}";

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct error err;

		(void)fail(&err, "%s", places[i].error);
		json_place("doc", document, strlen(document), &err);
		CHECK_STR(err.text, places[i].placed);
	}
}

static const struct test tests[] = {
	{ "every kind is read and written", reads_and_writes },
	{ "what is written reads as the same again", round_trips },
	{ "the writer indents by two spaces", indents },
	{ "each bad document has one clear error", refuses },
	{ "names are case sensitive unless told otherwise",
		is_case_sensitive_unless_told },
	{ "unknown members are reported with a suggestion", reports_unknown_members },
	{ "empty and absent are told apart", tells_empty_from_absent },
	{ "strings are written with their escapes", escapes_what_is_written },
	{ "what is found wrong later gets its place", places_later_errors },
};

TEST_MAIN(tests)
