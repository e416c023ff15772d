/* Blocks of 128 numbers packed into few bits, in four lanes; see codec.py. */
#ifndef NFL_PACKING_H
#define NFL_PACKING_H

#include <stdint.h>
#include <string.h>

enum { PACKED_BLOCK = 128, PACKED_LANES = 4, PACKED_ROWS = PACKED_BLOCK / PACKED_LANES };

/* Bits that the largest of a block needs. */
static inline uint32_t nfl_width(const uint32_t *values) {
    uint32_t all = 0;
    for (int i = 0; i < PACKED_BLOCK; i++) all |= values[i];
    return all ? 32 - (uint32_t)__builtin_clz(all) : 0;
}

/* Pack a block into `bits` * 4 words, which are overwritten. */
static inline void nfl_pack(const uint32_t *restrict values, uint32_t bits,
                            uint32_t *restrict words) {
    memset(words, 0, bits * PACKED_LANES * sizeof *words);
    for (uint32_t row = 0, bit = 0; bits && row < PACKED_ROWS; row++, bit += bits) {
        uint32_t *word = words + bit / 32 * PACKED_LANES;
        const uint32_t shift = bit % 32, *value = values + row * PACKED_LANES;
        for (int lane = 0; lane < PACKED_LANES; lane++) word[lane] |= value[lane] << shift;
        if (shift + bits > 32)
            for (int lane = 0; lane < PACKED_LANES; lane++)
                word[PACKED_LANES + lane] |= value[lane] >> (32 - shift);
    }
}

/* Undo it. */
static inline void nfl_unpack(const uint32_t *restrict words, uint32_t bits,
                              uint32_t *restrict values) {
    if (bits == 0) {
        memset(values, 0, PACKED_BLOCK * sizeof *values);
        return;
    }
    const uint32_t mask = bits == 32 ? UINT32_MAX : (1u << bits) - 1;
    for (uint32_t row = 0, bit = 0; row < PACKED_ROWS; row++, bit += bits) {
        const uint32_t *word = words + bit / 32 * PACKED_LANES;
        const uint32_t shift = bit % 32;
        uint32_t *out = values + row * PACKED_LANES;
        for (int lane = 0; lane < PACKED_LANES; lane++) out[lane] = word[lane] >> shift;
        if (shift + bits > 32)
            for (int lane = 0; lane < PACKED_LANES; lane++)
                out[lane] |= word[PACKED_LANES + lane] << (32 - shift);
        for (int lane = 0; lane < PACKED_LANES; lane++) out[lane] &= mask;
    }
}

#endif
