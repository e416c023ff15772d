/* One implementation of the inner loops. They are written once, in loops_*.h; each kernel_*.c
 * compiles them for its processor. Every kernel computes the same integers and the same floating
 * point operations in the same order; only `products` may round differently, and what it finds is
 * scored again. */
#ifndef NFA_KERNEL_H
#define NFA_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "codes.h"

typedef struct {
    const char *name;
    int (*usable)(void);

    /* Rotate `x` (width floats, 64-byte aligned) in place. */
    void (*rotate)(const nfa_space *space, float *x);
    /* Quantise one vector into a place of a unit; `work` takes width floats, aligned. */
    void (*encode)(const nfa_space *space, const float *vector, unsigned char *unit, size_t place,
                   float *work);
    /* Estimates of a block's 64 vectors; bit i of the answer: estimate i is not below or equal to
     * `threshold` (which is also true of NaN). */
    uint64_t (*estimate)(const nfa_query *query, size_t width, const unsigned char *block,
                         float threshold, float *estimates);
    /* Σ u v over a row's three-bit numbers u and an int8 query. */
    int32_t (*low_product)(const unsigned char *row, const int8_t *query, size_t width);
    /* Σ a b */
    int32_t (*byte_product)(const int8_t *a, const int8_t *b, size_t width);
    /* out[4 q + r]: float32 dot product, or squared distance, of row r and query q. */
    void (*products)(const float *const rows[4], const float *const queries[2], int32_t count,
                     size_t dimension, int squared_distance, float out[8]);
    float (*square)(const float *x, size_t dimension); /* float32 Σ x² */
    /* Σ x y, or Σ (x - y)², in float64, summed in one fixed order. */
    double (*exact_dot)(const float *x, const float *y, size_t dimension);
    double (*exact_distance)(const float *x, const float *y, size_t dimension);
} nfa_kernel;

extern const nfa_kernel nfa_kernel_plain, nfa_kernel_avx2, nfa_kernel_avx512;

/* Whether sizes are in range and pointers are given. */
int nfa_space_ok(const nfa_space *space);

/* The kernel of this index if this processor runs it, else NULL. */
const nfa_kernel *nfa_kernel_at(int32_t index);

#endif
