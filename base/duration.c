/* Times as Go writes them, which most of the field's options and files take. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct word units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xC2\xB5s", 1000 }, /* the micro sign */
	{ "\xCE\xBCs", 1000 }, /* the Greek letter */
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60 * INT64_C(1000000000) },
	{ "h", 3600 * INT64_C(1000000000) },
	{ NULL, 0 },
};

bool duration_parse(const char *text, int64_t *ret_ns)
{
	double total = 0;

	if (str_equal(text, "0"))
		return *ret_ns = 0, true;
	if (!*text)
		return false;
	while (*text) {
		size_t digits = strspn(text, "0123456789.");
		auto_free char *number = str_dup_n(text, digits);
		size_t letters = strcspn(text + digits, "0123456789.");
		auto_free char *unit = str_dup_n(text + digits, letters);
		int64_t factor;
		char *end;

		if (digits == 0 || !word_to_number(units, unit, &factor))
			return false;
		total += strtod(number, &end) * (double)factor;
		if (*end)
			return false;
		text += digits + letters;
	}
	if (total > 9.2e18)
		return false;
	*ret_ns = (int64_t)total;
	return true;
}
