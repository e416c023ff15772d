/* The tile instructions in plain C, so that the AMX kernel is tested where there is no AMX.
 *
 * The order of the sums is that of VDPBF16PS (word by word, the upper bfloat16 first, each
 * product fused onto the sum, denormals as zero), so that results equal the AVX512-BF16 kernel's
 * bit for bit. The instruction itself keeps the sums of upper and lower products apart until the
 * end of each tile and may differ from this in the last place of float32.
 */
#ifndef NF_TILES_EMULATED_H
#define NF_TILES_EMULATED_H

#include <math.h>

static _Thread_local word tiles[8][16][16];

static void tile_zero(int tile) { memset(tiles[tile], 0, sizeof tiles[tile]); }

static void tile_load(int tile, const word *from, size_t stride) {
    for (int row = 0; row < 16; row++) memcpy(tiles[tile][row], from + row * stride, 64);
}

#define tile_load_once tile_load

static void tile_store(int tile, float *to, size_t stride) {
    for (int row = 0; row < 16; row++) memcpy(to + row * stride, tiles[tile][row], 64);
}

INLINE float flushed(uint32_t bits) {
    float value;
    if (!(bits & 0x7f800000u)) bits &= 0x80000000u;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE float fused(float a, float b, float sum) {
    float result = fmaf(a, b, sum);
    uint32_t bits;
    memcpy(&bits, &result, sizeof bits);
    return flushed(bits);
}

static void tile_dot(int sums, int rows, int columns) {
    for (int row = 0; row < 16; row++)
        for (int k = 0; k < 16; k++) {
            word left = tiles[rows][row][k];
            for (int column = 0; column < 16; column++) {
                word right = tiles[columns][k][column];
                float sum = flushed(tiles[sums][row][column]);
                sum = fused(flushed(left & 0xffff0000u), flushed(right & 0xffff0000u), sum);
                sum = fused(flushed(left << 16), flushed(right << 16), sum);
                memcpy(&tiles[sums][row][column], &sum, sizeof sum);
            }
        }
}

static void thread_begin(void) {}
static void thread_end(void) {}

#endif
