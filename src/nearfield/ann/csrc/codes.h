/* How quantised vectors lie in memory and on disk.
 *
 * A segment holds 16384 vectors: blocks of 64 for the scan, then rows for what the scan keeps. The
 * scan reads long stretches, which memory delivers half as fast again as short ones. Vectors are
 * quantised in units of 1024, laid out alike.
 *
 *     block   width/8 × 64 bytes   byte j of vector v at [j][v]: signs of dimensions 8j … 8j+7
 *             64 × bfloat16        what is added to an estimate (times a factor of the query)
 *             64 × bfloat16        factor of the 1-bit product
 *     row     width/64 × 24 bytes  low three bits of the 4-bit levels of 64 dimensions: byte i < 16
 *                                  has the lowest two of dimensions i, 16 + i, 32 + i, 48 + i; bits
 *                                  g and 4 + g of byte 16 + i the third of 16 g + i and 16 g + 8 + i
 *             float32              what is added, as in the block
 *             bfloat16             factor, as in the block
 *             uint16               factor of the 4-bit product by that of the 1-bit one, · 2¹⁵
 *
 * The highest bit of a level is the sign, which the scan has multiplied already.
 */
#ifndef NFA_CODES_H
#define NFA_CODES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nearfield_ann.h"

#define BLOCK ((size_t)64)
#define UNIT ((size_t)1024)
#define SEGMENT ((size_t)16384)

static inline size_t block_bytes(size_t width) { return BLOCK * (width / 8 + 4); }
static inline size_t list_block_bytes(size_t width) { return block_bytes(width) + BLOCK * 4; }
static inline size_t low_bytes(size_t width) { return width / 64 * 24; }
static inline size_t row_bytes(size_t width) { return low_bytes(width) + 8; }
static inline size_t rows_offset(size_t width, size_t places) {
    return places / BLOCK * block_bytes(width);
}
static inline size_t segment_bytes(size_t width) {
    return rows_offset(width, SEGMENT) + SEGMENT * row_bytes(width);
}

/* Half of a float32's bits: nearest, ties to even. */
static inline uint16_t nfa_bfloat16(float a) {
    uint32_t bits;
    memcpy(&bits, &a, 4);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float nfa_widened(uint16_t a) {
    const uint32_t bits = (uint32_t)a << 16;
    float b;
    memcpy(&b, &bits, 4);
    return b;
}

/* A query made ready for one collection of codes. */
typedef struct {
    uint8_t *tables; /* width/4 × 16: sums of the quantised query over four dimensions' signs */
    int8_t *bytes;   /* width: the quantised query for rows */
    float one_bit_step, low_step;
    int32_t one_bit_base, low_base;
    float norm;         /* length of the rotated query */
    float add_factor;   /* of what is stored to be added */
    float centre_score; /* cosine, dot: product with the centre; Euclidean: squared distance to it */
    float length;       /* factor from estimates back to scores */
} nfa_query;

#endif
