/* A query made ready: rotated like the vectors, then quantised for both kinds of codes. */
#include <math.h>
#include <stdlib.h>

#include "prepare.h"

static float largest_magnitude(const float *x, size_t width) {
    float largest = 0.0f;
    for (size_t i = 0; i < width; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    return largest;
}

static int32_t rounded(float a) { return (int32_t)rintf(a); }

/* For four dimensions' signs, the sum of the quantised query where a sign is positive, raised so
 * that none is negative. */
static void fill_tables(nfa_query *query, const float *x, size_t width) {
    const size_t groups = width / 4;
    int32_t most = (int32_t)(262140 / width); /* sums of all groups fit into 16 bits */
    if (most > 63) most = 63;
    float widest = 0.0f;
    for (size_t g = 0; g < groups; g++) {
        const float *a = x + 4 * g;
        const float sum = fabsf(a[0]) + fabsf(a[1]) + (fabsf(a[2]) + fabsf(a[3]));
        widest = sum > widest ? sum : widest;
    }
    const float step = widest / (float)(most - 2); /* rounding adds at most 2 to a group */
    const int usable = step > 1e-30f;
    query->one_bit_step = usable ? step : 0.0f;
    query->one_bit_base = 0;
    for (size_t g = 0; g < groups; g++) {
        int32_t value[4], lowest = 0;
        for (size_t i = 0; i < 4; i++) {
            value[i] = usable ? rounded(x[4 * g + i] / step) : 0;
            lowest += value[i] < 0 ? value[i] : 0;
            query->one_bit_base -= abs(value[i]);
        }
        for (unsigned signs = 0; signs < 16; signs++) {
            int32_t sum = -lowest;
            for (unsigned i = 0; i < 4; i++) sum += signs >> i & 1 ? value[i] : 0;
            query->tables[16 * g + signs] = (uint8_t)sum;
        }
    }
}

static void fill_bytes(nfa_query *query, const float *x, size_t width) {
    const float step = largest_magnitude(x, width) / 127.0f;
    const int usable = step > 1e-30f;
    query->low_step = usable ? step : 0.0f;
    query->low_base = 0;
    for (size_t i = 0; i < width; i++) {
        const int32_t value = usable ? rounded(x[i] / step) : 0;
        query->bytes[i] = (int8_t)value;
        query->low_base -= 7 * value;
    }
}

/* Float32 sum in sixteen lanes, the order of the kernels. */
static float product(const float *x, const float *y, size_t width) {
    float lane[16] = {0};
    for (size_t i = 0; i < width; i += 16)
        for (size_t l = 0; l < 16; l++) lane[l] += x[i + l] * y[i + l];
    for (size_t half = 8; half; half /= 2)
        for (size_t l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

/* Products with what the query and the centre have in common are known exactly for each vector
 * (what is stored to be added), so only the rest of the query is estimated. */
void nfa_prepare(const nfa_kernel *kernel, const nfa_space *space, const float *vector, float *x,
                 nfa_query *query) {
    const size_t dimension = (size_t)space->dimension, width = (size_t)space->width;
    const int euclidean = space->metric == NFA_EUCLIDEAN;
    double length = space->scale;
    if (!euclidean) length = sqrt(kernel->exact_dot(vector, vector, dimension));
    const float factor = length > 0.0 ? (float)(1.0 / length) : 0.0f;
    for (size_t i = 0; i < dimension; i++) x[i] = vector[i] * factor;
    for (size_t i = dimension; i < width; i++) x[i] = 0.0f;
    float common = 1.0f;
    if (!euclidean) {
        const float square = product(space->centre, space->centre, width);
        const float with_centre = product(x, space->centre, width);
        common = square > 1e-12f ? with_centre / square : 0.0f;
        query->centre_score = with_centre;
        query->length = space->metric == NFA_DOT ? (float)(length * space->scale) : 1.0f;
    }
    for (size_t i = 0; i < width; i++) x[i] -= common * space->centre[i];
    if (euclidean) {
        query->centre_score = product(x, x, width);
        query->length = (float)space->scale;
    }
    query->add_factor = common;
    if (!(largest_magnitude(x, width) < 1e15f))
        for (size_t i = 0; i < width; i++) x[i] = 0.0f; /* beyond float32's sums: lengths decide */
    kernel->rotate(space, x);
    query->norm = sqrtf(product(x, x, width));
    fill_tables(query, x, width);
    fill_bytes(query, x, width);
}

/* The metric's score that an estimate stands for; never NaN. */
float nfa_score_of_estimate(const nfa_space *space, const nfa_query *query, float estimate) {
    float score;
    if (space->metric == NFA_EUCLIDEAN) {
        const float square = query->centre_score - 2.0f * estimate;
        score = -query->length * sqrtf(square > 0.0f ? square : 0.0f);
    } else {
        score = query->length * (estimate + query->centre_score);
    }
    return score == score ? score : INFINITY;
}
