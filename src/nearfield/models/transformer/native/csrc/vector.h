/* A vector of floats, as wide as this translation unit's -m flags allow. */
#ifndef NF_VECTOR_H
#define NF_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
typedef __m512 vec;
INLINE vec v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
INLINE vec v_set(float a) { return _mm512_set1_ps(a); }
INLINE vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
INLINE vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
INLINE vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
INLINE vec v_div(vec a, vec b) { return _mm512_div_ps(a, b); }
INLINE vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vec v_max(vec a, vec b) { return _mm512_max_ps(a, b); }
INLINE vec v_min(vec a, vec b) { return _mm512_min_ps(a, b); }
INLINE vec v_round(vec a) { return _mm512_roundscale_ps(a, 0); }
INLINE vec v_times_power_of_two(vec a, vec n) { return _mm512_scalef_ps(a, n); }
INLINE float v_sum(vec a) { return _mm512_reduce_add_ps(a); }
INLINE float v_largest(vec a) { return _mm512_reduce_max_ps(a); }

/* Sixteen rows of sixteen 32-bit words become columns: pairs of words, of pairs, of quarters. */
INLINE void transpose_16(uint32_t *to, size_t to_stride, const uint32_t *from, size_t stride) {
    __m512i r[16], t[16];
    UNROLL
    for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(from + (size_t)i * stride);
    UNROLL
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + (size_t)i * to_stride, r[i]);
}

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define LANES 8
typedef __m256 vec;
INLINE vec v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void v_store(float *p, vec a) { _mm256_storeu_ps(p, a); }
INLINE vec v_set(float a) { return _mm256_set1_ps(a); }
INLINE vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
INLINE vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
INLINE vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
INLINE vec v_div(vec a, vec b) { return _mm256_div_ps(a, b); }
INLINE vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vec v_max(vec a, vec b) { return _mm256_max_ps(a, b); }
INLINE vec v_min(vec a, vec b) { return _mm256_min_ps(a, b); }
INLINE vec v_round(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE vec v_times_power_of_two(vec a, vec n) {
    __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(127 << 23))));
}

#else /* any processor: the compiler's own vectors (SSE2, NEON, VSX … or plain loops) */
#define LANES 4
typedef float vec __attribute__((vector_size(16)));
typedef int32_t vec_int __attribute__((vector_size(16)));
INLINE vec v_load(const float *p) { vec a; memcpy(&a, p, sizeof a); return a; }
INLINE void v_store(float *p, vec a) { memcpy(p, &a, sizeof a); }
INLINE vec v_set(float a) { return (vec){a, a, a, a}; }
INLINE vec v_add(vec a, vec b) { return a + b; }
INLINE vec v_sub(vec a, vec b) { return a - b; }
INLINE vec v_mul(vec a, vec b) { return a * b; }
INLINE vec v_div(vec a, vec b) { return a / b; }
INLINE vec v_fma(vec a, vec b, vec c) { return a * b + c; } /* one rounding where there is such an instruction */
INLINE vec v_select(vec_int which, vec a, vec b) { return (vec)((which & (vec_int)a) | (~which & (vec_int)b)); }
INLINE vec v_max(vec a, vec b) { return v_select(a > b, a, b); }
INLINE vec v_min(vec a, vec b) { return v_select(a < b, a, b); }
INLINE vec v_round(vec a) {
    const vec shift = v_set(12582912.0f); /* 1.5 · 2²³: behind it no fraction is left */
    return (a + shift) - shift;
}
INLINE vec v_times_power_of_two(vec a, vec n) {
    vec_int exponent = __builtin_convertvector(n + v_set(127.0f), vec_int) << 23;
    return a * (vec)exponent;
}
#endif

#if LANES != 16
INLINE float v_sum(vec a) {
    float lanes[LANES], sum = 0.0f;
    v_store(lanes, a);
    for (int i = 0; i < LANES; i++) sum += lanes[i];
    return sum;
}
INLINE float v_largest(vec a) {
    float lanes[LANES];
    v_store(lanes, a);
    float largest = lanes[0];
    for (int i = 1; i < LANES; i++) largest = lanes[i] > largest ? lanes[i] : largest;
    return largest;
}
#endif

#endif
