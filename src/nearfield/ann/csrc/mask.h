/* Packed masks of slots. */
#ifndef NFA_MASK_H
#define NFA_MASK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bits of slots 64 i … 64 i + 63, those from `count` on cleared; NULL allows everything. */
static inline uint64_t mask_word(const uint8_t *mask, size_t i, size_t count) {
    uint64_t word = ~(uint64_t)0;
    if (mask) {
        word = 0;
        for (int b = 0; b < 8; b++) word |= (uint64_t)mask[8 * i + (size_t)b] << 8 * b;
    }
    const size_t left = count - 64 * i;
    return left < 64 ? word & (((uint64_t)1 << left) - 1) : word;
}

#endif
