/* Up to 32 rows times one panel on AMX: four tiles of sums, two of rows, two of columns.
 *
 * A tile is 16 rows of 64 bytes: of the left side 16 rows of 32 bfloat16, of a panel 16 words of
 * the summed dimension by 16 columns (the "VNNI" order that TDPBF16PS expects; Intel SDM 2,
 * TDPBF16PS). Always whole tiles are loaded: buffers have ROWS rows to spare, and what they hold
 * only ever reaches rows of the result that nobody reads.
 */
#ifndef NF_PRODUCT_H
#define NF_PRODUCT_H

#include <stddef.h>

#include "elements.h"

#define PANEL 32
#define SUMMED_MULTIPLE 32
#define ROWS 32

#if defined(NF_EMULATE_TILES)
#include "tiles_emulated.h"
#else
#include "tiles.h"
#endif

/* out[r][0 … 31] = Σₖ left[r][k] panel[k]; strides in words and floats. The tile unit works by
 * itself: `between` is called after each step with a number of rows to do meanwhile. */
INLINE void row_product(size_t rows, const word *left, size_t stride, const word *panel,
                        size_t words, float *out, size_t out_stride,
                        void (*between)(void *context, size_t rows), void *context) {
    const word *lower = left + 16 * stride;
    const size_t share = (ROWS * 16 + words - 1) / words;
    tile_zero(0);
    tile_zero(1);
    if (rows <= 16) {
        for (size_t k = 0; k < words; k += 16, panel += 16 * PANEL) {
            tile_load_once(4, left + k, stride);
            tile_load(6, panel, PANEL);
            tile_dot(0, 4, 6);
            tile_load(7, panel + 16, PANEL);
            tile_dot(1, 4, 7);
            if (between) between(context, share);
        }
    } else {
        tile_zero(2);
        tile_zero(3);
        for (size_t k = 0; k < words; k += 16, panel += 16 * PANEL) {
            tile_load_once(4, left + k, stride);
            tile_load(6, panel, PANEL);
            tile_dot(0, 4, 6);
            tile_load_once(5, lower + k, stride);
            tile_dot(2, 5, 6);
            tile_load(7, panel + 16, PANEL);
            tile_dot(1, 4, 7);
            tile_dot(3, 5, 7);
            if (between) between(context, share);
        }
        tile_store(2, out + 16 * out_stride, out_stride);
        tile_store(3, out + 16 * out_stride + 16, out_stride);
    }
    tile_store(0, out, out_stride);
    tile_store(1, out + 16, out_stride);
}

INLINE size_t rows_at_a_time(size_t rows) {
    (void)rows;
    return ROWS;
}

#endif
