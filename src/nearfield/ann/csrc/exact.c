/* Exact search: float32 products find every row that may be among the best, and each of these is
 * scored again in float64, summed in one order and rounded once, so that equal vectors tie.
 *
 * The error of a float32 dot product is at most dimension · 2⁻²⁴ · |a| |b| whatever the order of
 * its sums, fused or not (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
 */
#include "exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "select.h"

/* Rows worked on at a time: one word of a mask; they stay in the second-level cache. */
#define TILE ((size_t)64)
/* Outside of this range of squared lengths float32 sums may overflow or vanish. */
#define SMALLEST 1e-24f
#define LARGEST 1e24f

/* A row that may be among the best: its score lies between these. Squared distances and dot
 * products stand for scores, all as float64, since they rank alike. */
typedef struct {
    double low, high;
    uint32_t slot;
} near_row;

typedef struct {
    const float *vector;
    float length;   /* 0: outside of float32's range */
    double floor;   /* k rows are known to reach this */
    near_row *rows;
    size_t count, room, k;
    int failed;
} query_state;

typedef struct {
    const nfa_kernel *kernel;
    size_t dimension;
    int32_t metric;
    float relative; /* error of a product by both lengths, with what is computed around it */
} measure;

double nfa_exact_score(const nfa_kernel *kernel, int32_t metric, const float *row,
                       const float *query, size_t dimension) {
    const double square = metric == NFA_COSINE ? kernel->exact_dot(query, query, dimension) : 0.0;
    return nfa_exact_score_of(kernel, metric, row, query, sqrt(square), dimension);
}

double nfa_exact_score_of(const nfa_kernel *kernel, int32_t metric, const float *row,
                          const float *query, double query_length, size_t dimension) {
    if (metric == NFA_EUCLIDEAN) return -sqrt(kernel->exact_distance(row, query, dimension));
    const double dot = kernel->exact_dot(row, query, dimension);
    if (metric == NFA_DOT) return dot;
    const double lengths = sqrt(kernel->exact_dot(row, row, dimension)) * query_length;
    const double cosine = lengths > 0.0 ? dot / lengths : 0.0;
    return cosine > 1.0 ? 1.0 : cosine < -1.0 ? -1.0 : cosine;
}

static int by_low(const void *a, const void *b) {
    const double x = ((const near_row *)a)->low, y = ((const near_row *)b)->low;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Raise the floor to the k-th best lower bound and let go of rows below it. */
static void settle(query_state *s) {
    if (s->count <= s->k) return;
    qsort(s->rows, s->count, sizeof *s->rows, by_low);
    s->floor = s->rows[s->k - 1].low;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->rows[i].high >= s->floor) s->rows[kept++] = s->rows[i];
    s->count = kept;
}

static void keep(query_state *s, double low, double high, size_t slot) {
    if (s->count == s->room) {
        settle(s);
        if (s->count > s->room / 2) { /* many that cannot be told apart */
            near_row *more = realloc(s->rows, 2 * s->room * sizeof *more);
            if (!more) {
                s->failed = 1;
                return;
            }
            s->rows = more;
            s->room *= 2;
        }
    }
    if (high >= s->floor) s->rows[s->count++] = (near_row){low, high, (uint32_t)slot};
}

/* What float32 cannot bound is scored exactly; the margin is that of rounding the score once. */
static void keep_exactly(const measure *m, query_state *s, const float *row, size_t slot) {
    double score = nfa_exact_score(m->kernel, m->metric, row, s->vector, m->dimension);
    if (m->metric == NFA_EUCLIDEAN) score = -score * score;
    const double margin = fabs(score) * 0x1p-21 + 0x1p-148;
    keep(s, score - margin, score + margin, slot);
}

/* One query's products with a tile's rows. */
static void keep_tile(const measure *m, query_state *s, const float *const *rows,
                      const size_t *slots, size_t count, const float *lengths,
                      const float *products) {
    for (size_t i = 0; i < count; i++) {
        float score, margin;
        int bounded;
        if (m->metric == NFA_EUCLIDEAN) {
            score = -products[i];
            margin = m->relative * products[i];
            bounded = products[i] > SMALLEST && products[i] < LARGEST;
        } else {
            const float both = lengths[i] * s->length;
            bounded = both > 0.0f;
            score = m->metric == NFA_COSINE ? products[i] / both : products[i];
            margin = m->metric == NFA_COSINE ? m->relative : m->relative * both;
        }
        if (!bounded) keep_exactly(m, s, rows[i], slots[i]);
        else if ((double)score + (double)margin >= s->floor)
            keep(s, (double)score - (double)margin, (double)score + (double)margin, slots[i]);
    }
}

static float length_in_range(float square) {
    return square > SMALLEST && square < LARGEST ? sqrtf(square) : 0.0f;
}

static void score_tile(const measure *m, query_state *queries, size_t query_count,
                       const float **rows, const size_t *slots, size_t count) {
    float lengths[TILE], products[2][TILE], out[8] = {0};
    const int squared = m->metric == NFA_EUCLIDEAN;
    for (size_t i = count; i % 4; i++) rows[i] = rows[count - 1];
    for (size_t i = 0; i < count && !squared; i++)
        lengths[i] = length_in_range(m->kernel->square(rows[i], m->dimension));
    for (size_t q = 0; q < query_count; q += 2) {
        const size_t pair = query_count - q < 2 ? 1 : 2;
        const float *const vectors[2] = {queries[q].vector, queries[q + pair - 1].vector};
        for (size_t i = 0; i < count; i += 4) {
            m->kernel->products(rows + i, vectors, (int32_t)pair, m->dimension, squared, out);
            memcpy(products[0] + i, out, 4 * sizeof(float));
            memcpy(products[1] + i, out + 4, 4 * sizeof(float));
        }
        for (size_t p = 0; p < pair; p++)
            keep_tile(m, &queries[q + p], rows, slots, count, lengths, products[p]);
    }
}

static int32_t scan_rows(const measure *m, const char *rows, size_t stride, size_t count,
                         const uint8_t *allowed, query_state *queries, size_t query_count) {
    const float *near[TILE + 3];
    size_t slots[TILE];
    for (size_t first = 0; first < count; first += TILE) {
        size_t taken = 0;
        for (uint64_t word = mask_word(allowed, first / 64, count); word; word &= word - 1) {
            slots[taken] = first + (size_t)__builtin_ctzll(word);
            near[taken] = (const float *)(const void *)(rows + slots[taken] * stride);
            taken++;
        }
        if (taken) score_tile(m, queries, query_count, near, slots, taken);
    }
    for (size_t q = 0; q < query_count; q++)
        if (queries[q].failed) return NFA_OUT_OF_MEMORY;
    return NFA_OK;
}

uint64_t nfa_packed_score(double score, uint32_t slot) {
    return pack(score == score ? (float)score : -INFINITY, slot);
}

void nfa_write_best(uint64_t *packed, size_t count, size_t k, int64_t *slots, float *scores) {
    greatest_first(packed, count, k);
    if (count > k) count = k;
    sort_greatest_first(packed, count);
    for (size_t i = 0; i < k; i++) {
        slots[i] = i < count ? (int64_t)slot_of(packed[i]) : -1;
        scores[i] = i < count ? score_of(packed[i]) : -INFINITY;
    }
}

static int32_t answer(const measure *m, query_state *s, const char *rows, size_t stride,
                      int64_t *slots, float *scores) {
    settle(s);
    uint64_t *packed = malloc((s->count + 1) * sizeof *packed);
    if (!packed) return NFA_OUT_OF_MEMORY;
    for (size_t i = 0; i < s->count; i++) {
        const size_t slot = s->rows[i].slot;
        const float *row = (const float *)(const void *)(rows + slot * stride);
        const double score = nfa_exact_score(m->kernel, m->metric, row, s->vector, m->dimension);
        packed[i] = nfa_packed_score(score, (uint32_t)slot);
    }
    nfa_write_best(packed, s->count, s->k, slots, scores);
    free(packed);
    return NFA_OK;
}

static int32_t search_group(const measure *m, const char *rows, size_t stride, size_t count,
                            const uint8_t *allowed, const float *queries, size_t query_count,
                            size_t k, int64_t *slots, float *scores) {
    query_state *states = calloc(query_count, sizeof *states);
    int32_t status = states ? NFA_OK : NFA_OUT_OF_MEMORY;
    const size_t most = k < count ? k : count;
    for (size_t q = 0; q < query_count && status == NFA_OK; q++) {
        query_state *s = &states[q];
        s->vector = queries + q * m->dimension;
        s->length = length_in_range(m->kernel->square(s->vector, m->dimension));
        s->floor = -INFINITY;
        s->k = k;
        s->room = 4 * most + 256;
        s->rows = malloc(s->room * sizeof *s->rows);
        if (!s->rows) status = NFA_OUT_OF_MEMORY;
    }
    if (status == NFA_OK) status = scan_rows(m, rows, stride, count, allowed, states, query_count);
    for (size_t q = 0; q < query_count && status == NFA_OK; q++)
        status = answer(m, &states[q], rows, stride, slots + q * k, scores + q * k);
    for (size_t q = 0; q < query_count && states; q++) free(states[q].rows);
    free(states);
    return status;
}

#define QUERIES_AT_ONCE ((int64_t)64)

int32_t nfa_exact_search(int32_t kernel, const void *rows, int64_t stride, int64_t count,
                         int64_t dimension, int32_t metric, const float *queries,
                         int64_t query_count, int64_t k, const uint8_t *allowed, int64_t *slots,
                         float *scores) {
    const nfa_kernel *chosen = nfa_kernel_at(kernel);
    if (!chosen || stride % 4 || count < 0 || count > UINT32_MAX || (count && !rows)) return NFA_INVALID;
    if (dimension < 1 || dimension > 1 << 20 || metric < NFA_COSINE || metric > NFA_EUCLIDEAN)
        return NFA_INVALID;
    if (query_count < 0 || k < 1 || k > UINT32_MAX || !slots || !scores) return NFA_INVALID;
    const measure m = {chosen, (size_t)dimension, metric, (float)(dimension + 16) * 0x1p-21f};
    for (int64_t q = 0; q < query_count; q += QUERIES_AT_ONCE) {
        const int64_t left = query_count - q, group = left < QUERIES_AT_ONCE ? left : QUERIES_AT_ONCE;
        const int32_t status = search_group(&m, rows, (size_t)stride, (size_t)count, allowed,
                                            queries + q * dimension, (size_t)group, (size_t)k,
                                            slots + q * k, scores + q * k);
        if (status != NFA_OK) return status;
    }
    return NFA_OK;
}
