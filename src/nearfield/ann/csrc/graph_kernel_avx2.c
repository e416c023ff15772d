/* The graph's inner loops for AVX2 with FMA. */
#include <immintrin.h>

#include "graph.h"

static int usable(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static int32_t sum_int32(__m256i v) {
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    return _mm_cvtsi128_si32(half);
}

static float sum_float(__m256 v) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    half = _mm_add_ss(half, _mm_movehdup_ps(half));
    return _mm_cvtss_f32(half);
}

/* Widened to 16 bits, so that no pair of products saturates. */
static void int8_dots(const int8_t *query, int32_t correction, const uint8_t *const *rows,
                      size_t count, size_t width, int32_t *out) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *row = rows[i];
        __m256i even = _mm256_setzero_si256(), odd = _mm256_setzero_si256();
        for (size_t j = 0; j < width; j += 32) {
            __m256i q0 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(query + j)));
            __m256i q1 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(query + j + 16)));
            __m256i r0 = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(row + j)));
            __m256i r1 = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(row + j + 16)));
            even = _mm256_add_epi32(even, _mm256_madd_epi16(q0, r0));
            odd = _mm256_add_epi32(odd, _mm256_madd_epi16(q1, r1));
        }
        out[i] = sum_int32(_mm256_add_epi32(even, odd)) - correction;
    }
}

static void float_dots(const float *query, const uint8_t *const *rows, size_t count, size_t dimension,
                       float *out) {
    for (size_t i = 0; i < count; i++) {
        const float *row = (const float *)(const void *)rows[i];
        __m256 a = _mm256_setzero_ps(), b = _mm256_setzero_ps();
        size_t j = 0;
        for (; j + 16 <= dimension; j += 16) {
            a = _mm256_fmadd_ps(_mm256_loadu_ps(query + j), _mm256_loadu_ps(row + j), a);
            b = _mm256_fmadd_ps(_mm256_loadu_ps(query + j + 8), _mm256_loadu_ps(row + j + 8), b);
        }
        float tail = 0.0f;
        for (; j < dimension; j++) tail += query[j] * row[j];
        out[i] = sum_float(_mm256_add_ps(a, b)) + tail;
    }
}

static void float_squares(const float *query, const uint8_t *const *rows, size_t count,
                          size_t dimension, float *out) {
    for (size_t i = 0; i < count; i++) {
        const float *row = (const float *)(const void *)rows[i];
        __m256 a = _mm256_setzero_ps(), b = _mm256_setzero_ps();
        size_t j = 0;
        for (; j + 16 <= dimension; j += 16) {
            __m256 gap = _mm256_sub_ps(_mm256_loadu_ps(query + j), _mm256_loadu_ps(row + j));
            a = _mm256_fmadd_ps(gap, gap, a);
            gap = _mm256_sub_ps(_mm256_loadu_ps(query + j + 8), _mm256_loadu_ps(row + j + 8));
            b = _mm256_fmadd_ps(gap, gap, b);
        }
        float tail = 0.0f;
        for (; j < dimension; j++) tail += (query[j] - row[j]) * (query[j] - row[j]);
        out[i] = sum_float(_mm256_add_ps(a, b)) + tail;
    }
}

const nf_graph_kernel nf_graph_kernel_avx2 = {
    .name = "avx2", .usable = usable, .int8_dots = int8_dots, .float_dots = float_dots,
    .float_squares = float_squares,
};
