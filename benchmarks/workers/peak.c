/* The most that a processor's multiply instructions do, operands in registers: what no real
 * product exceeds.
 *
 *     peak KIND THREADS      KIND: amx_bf16, avx512_bf16, avx512f or avx2
 *
 * Prints floating-point operations a second of all threads together. The caller knows which
 * kinds the processor has.
 */
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 256, CHAINS = 12, BLOCK = 20000 };
static const double SECONDS = 0.25;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Sums that are not unrolled would live in memory instead of registers. */
#define UNROLL _Pragma("GCC unroll 12")

/* Independent chains hide the latency of an instruction; the empty asm keeps their results. */
#define KEEP(x) __asm__ volatile("" : "+v"(x))

__attribute__((target("avx2,fma"))) static void block_avx2(void) {
    __m256 sums[CHAINS], one = _mm256_set1_ps(1.0f);
    UNROLL for (int c = 0; c < CHAINS; c++) sums[c] = _mm256_setzero_ps();
    for (int i = 0; i < BLOCK; i++)
        UNROLL for (int c = 0; c < CHAINS; c++) {
            sums[c] = _mm256_fmadd_ps(one, one, sums[c]);
            KEEP(sums[c]);
        }
}

__attribute__((target("avx512f"))) static void block_avx512f(void) {
    __m512 sums[CHAINS], one = _mm512_set1_ps(1.0f);
    UNROLL for (int c = 0; c < CHAINS; c++) sums[c] = _mm512_setzero_ps();
    for (int i = 0; i < BLOCK; i++)
        UNROLL for (int c = 0; c < CHAINS; c++) {
            sums[c] = _mm512_fmadd_ps(one, one, sums[c]);
            KEEP(sums[c]);
        }
}

__attribute__((target("avx512f,avx512bf16"))) static void block_avx512_bf16(void) {
    __m512 sums[CHAINS];
    const __m512bh one = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1.0f), _mm512_set1_ps(1.0f));
    UNROLL for (int c = 0; c < CHAINS; c++) sums[c] = _mm512_setzero_ps();
    for (int i = 0; i < BLOCK; i++)
        UNROLL for (int c = 0; c < CHAINS; c++) {
            sums[c] = _mm512_dpbf16_ps(sums[c], one, one);
            KEEP(sums[c]);
        }
}

/* Four sums of 16 x 16 from two tiles of A and two of B, as a real kernel holds them. */
__attribute__((target("amx-tile,amx-bf16"))) static void block_amx_bf16(void) {
    static _Thread_local struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } layout = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        layout.row_bytes[tile] = 64;
        layout.rows[tile] = 16;
    }
    _tile_loadconfig(&layout);
    _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
    _tile_zero(4); _tile_zero(5); _tile_zero(6); _tile_zero(7);
    for (int i = 0; i < BLOCK; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
}

static const struct kind {
    const char *name;
    void (*block)(void);
    double operations; /* of one block */
} KINDS[] = {
    {"amx_bf16", block_amx_bf16, (double)BLOCK * 4 * 2 * 16 * 16 * 32},
    {"avx512_bf16", block_avx512_bf16, (double)BLOCK * CHAINS * 2 * 32},
    {"avx512f", block_avx512f, (double)BLOCK * CHAINS * 2 * 16},
    {"avx2", block_avx2, (double)BLOCK * CHAINS * 2 * 8},
};

struct work {
    const struct kind *kind;
    double rate;
};

static void *measure(void *argument) {
    struct work *work = argument;
    work->kind->block();
    long blocks = 0;
    double begun = now(), spent;
    do {
        work->kind->block();
        blocks++;
        spent = now() - begun;
    } while (spent < SECONDS);
    work->rate = (double)blocks * work->kind->operations / spent;
    return NULL;
}

/* Linux hands out the tiles' state on request only: ARCH_REQ_XCOMP_PERM for XTILEDATA. */
static int may_use_tiles(void) { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }

int main(int count, char **arguments) {
    if (count != 3) return 2;
    int threads = atoi(arguments[2]);
    if (threads < 1 || threads > MAX_THREADS) return 2;
    const struct kind *kind = NULL;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i].name, arguments[1]) == 0) kind = &KINDS[i];
    if (kind == NULL) return 2;
    if (kind->block == block_amx_bf16 && !may_use_tiles()) return 3;
    pthread_t workers[MAX_THREADS];
    struct work work[MAX_THREADS];
    for (int i = 0; i < threads; i++) {
        work[i] = (struct work){kind, 0};
        if (pthread_create(&workers[i], NULL, measure, &work[i])) return 4;
    }
    double sum = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(workers[i], NULL);
        sum += work[i].rate;
    }
    printf("%.6g\n", sum);
    return 0;
}
