/* Inner loops over float32 vectors. */
#ifndef NFA_LOOPS_EXACT_H
#define NFA_LOOPS_EXACT_H

#include "kernel.h"
#include "wide.h"

/* Sixteen sums, element i in sum i % 16, added in halves at the end. */
INLINE double sum_of_doubles(doubles low, doubles high) {
    double lane[8];
    low += high;
    memcpy(lane, &low, sizeof lane);
    for (int half = 4; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

INLINE doubles widened(const float *p) {
    half_floats a;
    memcpy(&a, p, sizeof a);
    return __builtin_convertvector(a, doubles);
}

INLINE double exact_sum(const float *x, const float *y, size_t dimension, int squared_distance) {
    doubles low = {0}, high = {0};
    float last_x[16] = {0}, last_y[16] = {0};
    const size_t whole = dimension / 16 * 16, rest = dimension - whole;
    memcpy(last_x, x + whole, rest * sizeof(float));
    memcpy(last_y, y + whole, rest * sizeof(float));
    for (size_t i = 0; i <= whole; i += 16) {
        if (i == whole && !rest) break;
        const float *a = i < whole ? x + i : last_x, *b = i < whole ? y + i : last_y;
        if (squared_distance) {
            const doubles p = widened(a) - widened(b), q = widened(a + 8) - widened(b + 8);
            low += p * p;
            high += q * q;
        } else {
            low += widened(a) * widened(b);
            high += widened(a + 8) * widened(b + 8);
        }
    }
    return sum_of_doubles(low, high);
}

static double exact_dot(const float *x, const float *y, size_t dimension) {
    return exact_sum(x, y, dimension, 0);
}

static double exact_distance(const float *x, const float *y, size_t dimension) {
    return exact_sum(x, y, dimension, 1);
}

#if defined(__AVX512F__)
#define LANES 16
typedef __m512 vec;
#define vec_load(p) _mm512_loadu_ps(p)
#define vec_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#elif defined(__AVX2__)
#define LANES 8
typedef __m256 vec;
#define vec_load(p) _mm256_loadu_ps(p)
#define vec_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#else
#define LANES 4
typedef float vec __attribute__((vector_size(16)));
INLINE vec vec_load(const float *p) {
    vec a;
    memcpy(&a, p, sizeof a);
    return a;
}
#define vec_fma(a, b, c) ((a) * (b) + (c))
#endif

INLINE float vec_sum(vec a) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps(a);
#elif defined(__AVX2__)
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
#else
    return a[0] + a[1] + (a[2] + a[3]);
#endif
}

INLINE void products_of(const float *const rows[4], const float *const queries[2], int count,
                        size_t dimension, int squared_distance, float out[8]) {
    vec sums[8];
    memset(sums, 0, sizeof sums);
    const size_t whole = dimension / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        UNROLL
        for (int q = 0; q < count; q++) {
            const vec y = vec_load(queries[q] + i);
            UNROLL
            for (int r = 0; r < 4; r++) {
                vec x = vec_load(rows[r] + i), by = y;
                if (squared_distance) by = x = x - y;
                sums[4 * q + r] = vec_fma(x, by, sums[4 * q + r]);
            }
        }
    for (int j = 0; j < 4 * count; j++) {
        float sum = vec_sum(sums[j]);
        for (size_t i = whole; i < dimension; i++) {
            const float x = rows[j % 4][i], y = queries[j / 4][i];
            sum += squared_distance ? (x - y) * (x - y) : x * y;
        }
        out[j] = sum;
    }
}

static float square(const float *x, size_t dimension) {
    vec sums[4];
    memset(sums, 0, sizeof sums);
    const size_t whole = dimension / (4 * LANES) * (4 * LANES);
    for (size_t i = 0; i < whole; i += 4 * LANES)
        for (size_t j = 0; j < 4; j++) {
            const vec a = vec_load(x + i + j * LANES);
            sums[j] = vec_fma(a, a, sums[j]);
        }
    float sum = vec_sum(sums[0] + sums[1] + (sums[2] + sums[3]));
    for (size_t i = whole; i < dimension; i++) sum += x[i] * x[i];
    return sum;
}

/* Four rows by two queries use each loaded value often enough, and every constant argument below
 * makes a loop of its own. */
static void products(const float *const rows[4], const float *const queries[2], int32_t count,
                     size_t dimension, int squared_distance, float out[8]) {
    if (count == 2 && squared_distance) products_of(rows, queries, 2, dimension, 1, out);
    else if (count == 2) products_of(rows, queries, 2, dimension, 0, out);
    else if (squared_distance) products_of(rows, queries, 1, dimension, 1, out);
    else products_of(rows, queries, 1, dimension, 0, out);
}

#endif
