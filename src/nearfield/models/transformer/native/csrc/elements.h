/* What activations and weights are stored as: float32, or pairs of bfloat16.
 *
 * Either way a product works on 32-bit *words*: one float, or two neighbours along the summed
 * dimension. All code around the products is the same for both.
 */
#ifndef NF_ELEMENTS_H
#define NF_ELEMENTS_H

#include "vector.h"

typedef uint32_t __attribute__((may_alias)) word; /* reads what was stored as elements */

#if defined(NF_BFLOAT16)
typedef uint16_t element;
#define PER_WORD 2

/* Rounds to nearest even, as the vector instruction does. */
INLINE element to_element(float a) {
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (element)(bits >> 16 | 0x40u); /* NaN stays one */
    return (element)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#if defined(__AVX512BF16__)
INLINE void store_elements(element *to, vec a) {
    _mm256_storeu_si256((void *)to, (__m256i)_mm512_cvtneps_pbh(a));
}
#else
INLINE void store_elements(element *to, vec a) {
    float lanes[LANES];
    v_store(lanes, a);
    for (int i = 0; i < LANES; i++) to[i] = to_element(lanes[i]);
}
#endif

#else
typedef float element;
#define PER_WORD 1
INLINE element to_element(float a) { return a; }
INLINE void store_elements(element *to, vec a) { v_store(to, a); }
#endif

#endif
