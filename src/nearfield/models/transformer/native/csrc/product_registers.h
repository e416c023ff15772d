/* A few rows times one panel, accumulated in vector registers.
 *
 * Each step takes one word of every row and the panel's words of that step: the row's word is
 * broadcast and multiplied onto two vectors of columns.
 */
#ifndef NF_PRODUCT_H
#define NF_PRODUCT_H

#include <stddef.h>

#include "elements.h"

#define PANEL (2 * LANES)
#define SUMMED_MULTIPLE PER_WORD /* what the summed dimension is rounded up to */

#if defined(__AVX512F__)
#define ROWS 14 /* 28 sums, 2 columns and a broadcast word fill 31 of 32 registers */
#elif defined(__AVX2__)
#define ROWS 6 /* 12 + 2 + 1 of 16 */
#elif defined(__aarch64__)
#define ROWS 12
#else
#define ROWS 4
#endif

#if defined(NF_BFLOAT16)
/* sum += a₀ b₀ + a₁ b₁ in float32, for the two bfloat16 of each word. */
INLINE vec dot(vec sum, word row, const word *columns) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32((int)row),
                            (__m512bh)_mm512_loadu_si512(columns));
}
#else
INLINE vec dot(vec sum, word row, const word *columns) {
    float value;
    memcpy(&value, &row, sizeof value);
    return v_fma(v_set(value), v_load((const float *)(const void *)columns), sum);
}
#endif

INLINE void product_of(const size_t rows, const word *left, size_t stride, const word *panel,
                       size_t words, float *out, size_t out_stride) {
    vec sums[ROWS][2];
    UNROLL
    for (size_t r = 0; r < rows; r++) sums[r][0] = sums[r][1] = v_set(0.0f);
    for (size_t k = 0; k < words; k++, panel += PANEL) {
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            sums[r][0] = dot(sums[r][0], left[r * stride + k], panel);
            sums[r][1] = dot(sums[r][1], left[r * stride + k], panel + LANES);
        }
    }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        v_store(out + r * out_stride, sums[r][0]);
        v_store(out + r * out_stride + LANES, sums[r][1]);
    }
}

static void switch_rows(size_t rows, const word *left, size_t stride, const word *panel,
                        size_t words, float *out, size_t out_stride) {
#define CASE(n) \
    case n: product_of(n, left, stride, panel, words, out, out_stride); break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4)
#if ROWS >= 6
        CASE(5) CASE(6)
#endif
#if ROWS >= 12
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
#if ROWS >= 14
        CASE(13) CASE(14)
#endif
    }
#undef CASE
}

/* out[r][0 … PANEL - 1] = Σₖ left[r][k] panel[k], for 1 to ROWS rows; strides in words and floats.
 * `between` is for kernels whose sums leave the vector unit idle; here they do not. */
INLINE void row_product(size_t rows, const word *left, size_t stride, const word *panel,
                        size_t words, float *out, size_t out_stride,
                        void (*between)(void *context, size_t rows), void *context) {
    (void)between;
    (void)context;
    switch_rows(rows, left, stride, panel, words, out, out_stride);
}

/* Rows to take at a time: even shares, because a last one of few rows would wait for its sums. */
INLINE size_t rows_at_a_time(size_t rows) {
    size_t blocks = (rows + ROWS - 1) / ROWS;
    return blocks ? (rows + blocks - 1) / blocks : 1;
}

static void thread_begin(void) {}
static void thread_end(void) {}

#endif
