/* Random shapes and mistakes for search and codes, in buffers of exactly the promised size. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "codes.h"

static uint64_t state;

static uint64_t random_bits(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int64_t below(int64_t n) { return (int64_t)(random_bits() % (uint64_t)n); }
static float real(void) { return (float)((double)random_bits() / 0x1p64 * 2.0 - 1.0); }

static void require(int truth, const char *what) {
    if (truth) return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

static float *vectors(int64_t count, int64_t floats, int odd) {
    float *rows = malloc((size_t)(count * floats) * sizeof *rows + 1);
    for (int64_t i = 0; i < count * floats; i++) rows[i] = real();
    for (int64_t i = 0; odd && i < count; i++)
        if (below(9) == 0)
            for (int64_t j = 0; j < floats; j++)
                rows[i * floats + j] *= below(2) ? 0.0f : ldexpf(1.0f, (int)below(240) - 120);
    return rows;
}

static uint8_t *mask_of(int64_t count) {
    if (below(3) == 0) return NULL;
    const int64_t bytes = (count + 63) / 64 * 8, share = below(20);
    uint8_t *mask = calloc((size_t)bytes + 1, 1);
    for (int64_t s = 0; s < count; s++)
        if (below(20) <= share) mask[s / 8] |= (uint8_t)(1u << s % 8);
    return mask;
}

static int allowed(const uint8_t *mask, int64_t slot) {
    return !mask || mask[slot / 8] >> slot % 8 & 1;
}

static void check_answer(const int64_t *slots, const float *scores, int64_t answers, int64_t count,
                         const uint8_t *mask) {
    for (int64_t i = 0; i < answers; i++) {
        require(slots[i] >= -1 && slots[i] < count, "slots are in range");
        require(slots[i] < 0 || allowed(mask, slots[i]), "slots are allowed");
        require(scores[i] == scores[i], "scores are numbers");
    }
}

static void exact(int32_t kernel) {
    const int64_t dimension = 1 + below(70), count = below(300), gap = below(5);
    const int64_t queries = below(4), k = 1 + below(40), stride = 4 * (dimension + gap);
    const int32_t metric = (int32_t)below(3);
    float *rows = vectors(count, dimension + gap, 1), *wanted = vectors(queries, dimension, 1);
    uint8_t *mask = mask_of(count);
    int64_t *slots = malloc((size_t)(queries * k) * sizeof *slots + 1);
    float *scores = malloc((size_t)(queries * k) * sizeof *scores + 1);
    require(nfa_exact_search(kernel, rows, stride, count, dimension, metric, wanted, queries, k,
                             mask, slots, scores) == NFA_OK, "exact search");
    check_answer(slots, scores, queries * k, count, mask);
    int64_t *again = malloc((size_t)(queries * k) * sizeof *again + 1);
    float *more = malloc((size_t)(queries * k) * sizeof *more + 1);
    require(nfa_rescore(kernel, rows, stride, count, dimension, metric, wanted, queries, slots, k,
                        k, again, more) == NFA_OK, "rescoring");
    require(!memcmp(slots, again, (size_t)(queries * k) * sizeof *slots), "slots are the same");
    require(!memcmp(scores, more, (size_t)(queries * k) * sizeof *more), "scores are the same");
    free(rows), free(wanted), free(mask), free(slots), free(scores), free(again), free(more);
}

/* Lists of random slots, with empty places and blocks that no list has. */
typedef struct {
    nfa_lists lists;
    unsigned char *blocks;
    uint32_t *starts;
    int8_t *means;
    float *floats;
} listed;

static listed lists_of(const unsigned char *segment, int64_t width, int64_t count) {
    const size_t each = list_block_bytes((size_t)width), codes = block_bytes((size_t)width);
    const int64_t many = below(7), blocks = many ? (count + 63) / 64 : 0;
    listed l = {{0}, malloc((size_t)blocks * each + 1), malloc((size_t)(many + 1) * 4),
                malloc((size_t)(many * width) + 1), malloc((size_t)(4 * many) * 4 + 1)};
    for (int64_t b = 0; b < blocks; b++) {
        memcpy(l.blocks + (size_t)b * each, segment + (size_t)b * codes, codes);
        for (int64_t i = 0; i < 64; i++) {
            const uint32_t slot = below(9) ? (uint32_t)(64 * b + i) : UINT32_MAX;
            memcpy(l.blocks + (size_t)b * each + codes + 4 * (size_t)i, &slot, 4);
        }
    }
    for (int64_t i = 0; i <= many; i++) l.starts[i] = (uint32_t)(many ? blocks * i / many : 0);
    for (int64_t i = 0; i < many * width; i++) l.means[i] = (int8_t)below(256);
    for (int64_t i = 0; i < 4 * many; i++) l.floats[i] = below(20) ? real() : INFINITY;
    const float *f = l.floats;
    l.lists = (nfa_lists){l.blocks, l.starts, l.means, f, f + many, f + 2 * many, f + 3 * many,
                          many, below(2) ? count : below(count + 200), real() * 4.0f};
    return l;
}

static void free_lists(listed *l) { free(l->blocks), free(l->starts), free(l->means), free(l->floats); }

/* The same search, scored from a file of records that may end too early. */
static void whole(int32_t kernel, const nfa_space *space, const unsigned char *segment,
                  const nfa_lists *lists, const float *rows, int64_t covered, int64_t count,
                  const float *wanted, int64_t queries, const uint8_t *mask) {
    const int64_t dimension = space->dimension, stride = 16 + 4 * (dimension + below(3));
    const int64_t offset = below(100), k = 1 + below(30), fine = 1 + below(60);
    const int64_t slots_there = count ? covered + below(count - covered + 1) : 0;
    char *record = calloc(1, (size_t)stride);
    FILE *file = tmpfile();
    require(file != NULL, "a file");
    require(fseek(file, (long)offset, SEEK_SET) == 0, "seeking");
    for (int64_t s = 0; s < count; s++) {
        memcpy(record, &s, 8);
        memcpy(record + 16, rows + s * dimension, (size_t)dimension * 4);
        require(fwrite(record, (size_t)stride, 1, file) == 1, "writing");
    }
    require(fflush(file) == 0, "flushing");
    nfa_collection c = {space, segment, lists, covered, slots_there, offset, stride, fileno(file),
                        kernel};
    int64_t *slots = malloc((size_t)(queries * k) * sizeof *slots + 1);
    int64_t *ages = malloc((size_t)(queries * k) * sizeof *ages + 1);
    float *scores = malloc((size_t)(queries * k) * sizeof *scores + 1);
    int32_t status = nfa_nearest(&c, wanted, queries, fine + below(200), fine, mask, k, slots, ages,
                                 scores);
    require(status == NFA_OK || status == NFA_REJECTED, "nearest");
    if (status == NFA_OK) check_answer(slots, scores, queries * k, slots_there, mask);
    for (int64_t i = 0; status == NFA_OK && i < queries * k; i++)
        require(ages[i] == slots[i], "rows are those of the slots");
    if (slots_there > covered && queries && status == NFA_OK && !mask) {
        require(ftruncate(fileno(file), (off_t)(offset + (slots_there - 1) * stride + 8)) == 0, "cutting");
        require(nfa_nearest(&c, wanted, queries, fine, fine, mask, k, slots, ages, scores) == NFA_IO,
                "a file that ends too early");
    }
    require(nfa_nearest(&c, wanted, queries, fine, fine, mask, 0, slots, ages, scores) == NFA_INVALID,
            "no hits");
    c.kernel = 99;
    require(nfa_nearest(&c, wanted, queries, fine, fine, mask, k, slots, ages, scores) == NFA_INVALID,
            "an unknown kernel");
    fclose(file);
    free(record), free(slots), free(ages), free(scores);
}

static void coded(int32_t kernel) {
    const int64_t dimension = 1 + below(200), width = (dimension + 63) / 64 * 64;
    const int64_t count = below(2500), queries = below(20), fine = 1 + below(50);
    const int64_t coarse = fine + below(300);
    float *rows = vectors(count, dimension, 1), *wanted = vectors(queries, dimension, 1);
    float *centre = calloc((size_t)width, sizeof *centre);
    float *signs = malloc((size_t)(4 * width) * sizeof *signs);
    for (int64_t i = 0; i < dimension; i++) centre[i] = real();
    for (int64_t i = 0; i < 4 * width; i++) signs[i] = below(2) ? 1.0f : -1.0f;
    const nfa_space space = {dimension, width, below(3), 4, centre, signs, 1.0};
    /* One segment that ends behind its last row. */
    const size_t each = row_bytes((size_t)width), blocks = rows_offset((size_t)width, UNIT);
    const size_t rows_at = rows_offset((size_t)width, SEGMENT);
    unsigned char *segment = calloc(1, rows_at + (size_t)count * each + 1);
    unsigned char *unit = malloc(blocks + UNIT * each);
    for (int64_t first = 0; first < count; first += (int64_t)UNIT) {
        const int64_t some = count - first < (int64_t)UNIT ? count - first : (int64_t)UNIT;
        require(nfa_encode(kernel, &space, rows + first * dimension, 4 * dimension, some, unit,
                           0) == NFA_OK, "encoding");
        memcpy(segment + (size_t)first / UNIT * blocks, unit, blocks);
        memcpy(segment + rows_at + (size_t)first * each, unit + blocks, (size_t)some * each);
    }
    uint8_t *mask = mask_of(count);
    int64_t *slots = malloc((size_t)(queries * fine) * sizeof *slots + 1);
    float *scores = malloc((size_t)(queries * fine) * sizeof *scores + 1);
    require(nfa_code_search(kernel, &space, segment, count, NULL, wanted, queries, coarse, fine, mask,
                            slots, scores) == NFA_OK, "search in codes");
    check_answer(slots, scores, queries * fine, count, mask);
    listed l = lists_of(segment, width, count);
    require(nfa_code_search(kernel, &space, segment, count, &l.lists, wanted, queries, coarse, fine,
                            mask, slots, scores) == NFA_OK, "search in lists");
    check_answer(slots, scores, queries * fine, count, mask);
    const int64_t covered = count - (count ? below(count < 80 ? count : 80) : 0);
    whole(kernel, &space, segment, below(2) ? &l.lists : NULL, rows, covered, count, wanted, queries,
          mask);
    free_lists(&l);
    require(nfa_code_search(kernel, &space, segment, count, NULL, wanted, queries, fine - 1, fine, mask,
                            slots, scores) == NFA_INVALID, "too few coarse ones");
    require(nfa_encode(kernel, &space, rows, 4, 1, unit, (int64_t)UNIT) == NFA_INVALID,
            "beyond the unit");
    free(rows), free(wanted), free(centre), free(signs), free(segment), free(unit), free(mask);
    free(slots), free(scores);
}

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? atoi(argv[1]) : 10;
    state = argc > 2 ? (uint64_t)atoi(argv[2]) : 0;
    for (int32_t kernel = 0; kernel < nfa_kernel_count(); kernel++)
        for (int i = 0; nfa_kernel_usable(kernel) && i < rounds; i++) {
            exact(kernel);
            coded(kernel);
        }
    require(nfa_exact_search(99, NULL, 4, 0, 1, 0, NULL, 0, 1, NULL, NULL, NULL) == NFA_INVALID,
            "an unknown kernel");
    require(nfa_code_search(0, NULL, NULL, 0, NULL, NULL, 0, 1, 1, NULL, NULL, NULL) == NFA_INVALID,
            "no space");
    return 0;
}
