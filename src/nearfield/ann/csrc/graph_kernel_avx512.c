/* The graph's inner loops for AVX-512 with VNNI. */
#include <immintrin.h>

#include "graph.h"

static int usable(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

/* Four rows at a time, so that their sums do not wait for each other. */
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
static void int8_dots(const int8_t *query, int32_t correction, const uint8_t *const *rows,
                      size_t count, size_t width, int32_t *out) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const uint8_t *r0 = rows[i], *r1 = rows[i + 1], *r2 = rows[i + 2], *r3 = rows[i + 3];
        __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
        for (size_t j = 0; j < width; j += 64) {
            __m512i q = _mm512_loadu_si512(query + j);
            s0 = _mm512_dpbusd_epi32(s0, _mm512_loadu_si512(r0 + j), q);
            s1 = _mm512_dpbusd_epi32(s1, _mm512_loadu_si512(r1 + j), q);
            s2 = _mm512_dpbusd_epi32(s2, _mm512_loadu_si512(r2 + j), q);
            s3 = _mm512_dpbusd_epi32(s3, _mm512_loadu_si512(r3 + j), q);
        }
        /* A transposing reduction: four sums in the time of one. */
        __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(s0, s1), _mm512_unpackhi_epi32(s0, s1));
        __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(s2, s3), _mm512_unpackhi_epi32(s2, s3));
        __m512i c = _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
        __m256i d = _mm256_add_epi32(_mm512_castsi512_si256(c), _mm512_extracti64x4_epi64(c, 1));
        __m128i e = _mm_add_epi32(_mm256_castsi256_si128(d), _mm256_extracti128_si256(d, 1));
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm_sub_epi32(e, _mm_set1_epi32(correction)));
    }
    for (; i < count; i++) {
        __m512i sum = _mm512_setzero_si512();
        for (size_t j = 0; j < width; j += 64)
            sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(rows[i] + j), _mm512_loadu_si512(query + j));
        out[i] = _mm512_reduce_add_epi32(sum) - correction;
    }
}

static __mmask16 lanes(size_t left) { return left >= 16 ? 0xFFFF : (__mmask16)((1u << left) - 1); }

static void float_dots(const float *query, const uint8_t *const *rows, size_t count, size_t dimension,
                       float *out) {
    for (size_t i = 0; i < count; i++) {
        const float *row = (const float *)(const void *)rows[i];
        __m512 a = _mm512_setzero_ps(), b = a;
        size_t j = 0;
        for (; j + 32 <= dimension; j += 32) {
            a = _mm512_fmadd_ps(_mm512_loadu_ps(query + j), _mm512_loadu_ps(row + j), a);
            b = _mm512_fmadd_ps(_mm512_loadu_ps(query + j + 16), _mm512_loadu_ps(row + j + 16), b);
        }
        for (; j < dimension; j += 16) {
            __mmask16 some = lanes(dimension - j);
            a = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(some, query + j), _mm512_maskz_loadu_ps(some, row + j), a);
        }
        out[i] = _mm512_reduce_add_ps(_mm512_add_ps(a, b));
    }
}

static void float_squares(const float *query, const uint8_t *const *rows, size_t count,
                          size_t dimension, float *out) {
    for (size_t i = 0; i < count; i++) {
        const float *row = (const float *)(const void *)rows[i];
        __m512 a = _mm512_setzero_ps(), b = a;
        size_t j = 0;
        for (; j + 32 <= dimension; j += 32) {
            __m512 gap = _mm512_sub_ps(_mm512_loadu_ps(query + j), _mm512_loadu_ps(row + j));
            a = _mm512_fmadd_ps(gap, gap, a);
            gap = _mm512_sub_ps(_mm512_loadu_ps(query + j + 16), _mm512_loadu_ps(row + j + 16));
            b = _mm512_fmadd_ps(gap, gap, b);
        }
        for (; j < dimension; j += 16) {
            __mmask16 some = lanes(dimension - j);
            __m512 gap = _mm512_sub_ps(_mm512_maskz_loadu_ps(some, query + j), _mm512_maskz_loadu_ps(some, row + j));
            a = _mm512_fmadd_ps(gap, gap, a);
        }
        out[i] = _mm512_reduce_add_ps(_mm512_add_ps(a, b));
    }
}

const nf_graph_kernel nf_graph_kernel_avx512 = {
    .name = "avx512", .usable = usable, .int8_dots = int8_dots, .float_dots = float_dots,
    .float_squares = float_squares,
};
