/* The AMX tile instructions; strides in words of 4 bytes. Tile numbers must be literals. */
#ifndef NF_TILES_H
#define NF_TILES_H

#include <immintrin.h>

#define tile_zero(tile) _tile_zero(tile)
#define tile_load(tile, from, stride) _tile_loadd(tile, from, (stride) * sizeof(word))
/* For rows, which pass once while the panel stays: it leaves the panel's lines in the cache. */
#define tile_load_once(tile, from, stride) \
    _tile_stream_loadd(tile, from, (stride) * sizeof(word))
#define tile_store(tile, to, stride) _tile_stored(tile, to, (stride) * sizeof(float))
#define tile_dot(sums, rows, columns) _tile_dpbf16ps(sums, rows, columns)

/* All eight tiles whole: palette 1, 16 rows of 64 bytes (Intel SDM 2, LDTILECFG). */
static void thread_begin(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    _tile_loadconfig(&config);
}

static void thread_end(void) { _tile_release(); }

#endif
