/* Vectors of 64 bytes, which the compiler makes of whatever the processor has. */
#ifndef NFA_WIDE_H
#define NFA_WIDE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float floats __attribute__((vector_size(64)));
typedef int32_t ints __attribute__((vector_size(64)));
typedef float half_floats __attribute__((vector_size(32)));
typedef double doubles __attribute__((vector_size(64)));

INLINE floats load(const float *p) {
    floats a;
    memcpy(&a, p, sizeof a);
    return a;
}

INLINE void store(float *p, floats a) { memcpy(p, &a, sizeof a); }

/* Lanes are added in halves: i and i + 8, then i and i + 4, … */
INLINE float sum_of_lanes(floats a) {
    float lane[16];
    memcpy(lane, &a, sizeof lane);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

#endif
