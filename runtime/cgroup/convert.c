/*
 * Conversions between the two versions' units. The CPU weight follows the curve that the
 * field agreed on in 2025, a parabola in logarithms through (2, 1), (1024, 100) and
 * (262144, 10000): log10(weight) = (l² + 125 l) / 612 - 7 / 34 where l = log2(shares).
 */
#include "runtime/cgroup/convert.h"

#include <inttypes.h>

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MAX 10000

/* Two small series in place of the mathematics library, which each start of the runtime
 * would have to link. Both converge to a long double's last bit in the ranges used. */
static long double log2_of(uint64_t value)
{
	const long double two_over_ln2 = 2.885390081777926814719849362L;
	long double mantissa = (long double)value;
	long double sum = 0, power, square;
	int exponent = 0;

	for (; mantissa >= 1.5L; exponent++)
		mantissa /= 2;
	/* log(m) = 2 artanh((m - 1) / (m + 1)), m in [0.75, 1.5) */
	power = (mantissa - 1) / (mantissa + 1);
	square = power * power;
	for (int n = 1; n < 60; n += 2, power *= square)
		sum += power / n;
	return exponent + two_over_ln2 * sum;
}

static long double power_of_10(long double exponent)
{
	const long double ln10 = 2.302585092994045684017991455L;
	long double x = exponent * ln10 / 64;
	long double sum = 1, term = 1;

	for (int n = 1; n < 30; n++) {
		term *= x / n;
		sum += term;
	}
	for (int i = 0; i < 6; i++) /* e^(64 x) by squaring */
		sum *= sum;
	return sum;
}

uint64_t cgroup_weight_of_shares(uint64_t shares)
{
	long double l, weight;
	uint64_t floor;

	if (!shares)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	l = log2_of(shares);
	weight = power_of_10((l * l + 125 * l) / 612 - 7.0L / 34);
	/* Up to the next integer; but for rounding 1024 is 100 exactly. */
	floor = (uint64_t)weight;
	return weight - (long double)floor > 1e-9L ? floor + 1 : floor;
}

uint64_t cgroup_io_weight(uint64_t weight)
{
	return weight ? 1 + (weight - 10) * (WEIGHT_MAX - 1) / 990 : 0;
}

int cgroup_swap_of_memsw(
	int64_t memsw, int64_t limit, const char *prefix, int64_t *ret, struct error *err)
{
	if (memsw < 0) {
		*ret = -1;
		return 0;
	}
	if (limit <= 0)
		return fail(err,
			"%s/memory/swap: it counts memory and swap together, so that it needs "
			"a memory limit beside it",
			prefix);
	if (memsw < limit)
		return fail(err,
			"%s/memory/swap: %" PRId64
			" counts memory and swap together, and is "
			"below the memory limit %" PRId64,
			prefix, memsw, limit);
	*ret = memsw - limit;
	return 0;
}
