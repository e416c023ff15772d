/* How quantised vectors lie in memory and on disk.
 *
 * A segment holds 16384 vectors: blocks of 64 for the scan, then the factors of the 4-bit rows,
 * then these rows. The scan reads long stretches, which memory delivers half as fast again as
 * short ones. Vectors are quantised in units of 1024, laid out alike.
 *
 *     block   width/8 × 64 bytes   byte j of vector v at [j][v]: signs of dimensions 8j … 8j+7
 *             64 × float32         what is added to an estimate (times a factor of the query)
 *             64 × bfloat16        factor of the 1-bit product
 *     factor  uint16               factor of the 4-bit product by that of the 1-bit one, · 2¹⁵
 *     row     width/2 bytes        low halves: dimensions 0 … width/2 - 1, high halves: the rest
 */
#ifndef NFA_CODES_H
#define NFA_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "nearfield_ann.h"

#define BLOCK ((size_t)64)
#define UNIT ((size_t)1024)
#define SEGMENT ((size_t)16384)

static inline size_t block_bytes(size_t width) { return BLOCK * (width / 8 + 6); }
static inline size_t ratios_offset(size_t width, size_t places) {
    return places / BLOCK * block_bytes(width);
}
static inline size_t rows_offset(size_t width, size_t places) {
    return ratios_offset(width, places) + places * 2;
}
static inline size_t segment_bytes(size_t width) {
    return rows_offset(width, SEGMENT) + SEGMENT * (width / 2);
}

/* A query made ready for one collection of codes. */
typedef struct {
    uint8_t *tables; /* width/4 × 16: sums of the quantised query over four dimensions' signs */
    int8_t *bytes;   /* width: the quantised query for 4-bit rows */
    float one_bit_step, four_bit_step;
    int32_t one_bit_base, four_bit_base;
    float add_factor;   /* of what is stored to be added */
    float centre_score; /* cosine, dot: product with the centre; Euclidean: squared distance to it */
    float length;       /* factor from estimates back to scores */
} nfa_query;

#endif
