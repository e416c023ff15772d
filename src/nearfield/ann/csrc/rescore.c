/* Exact scores of given rows, in memory or read one by one from a file. */
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "exact.h"

typedef struct {
    const nfa_kernel *kernel;
    const char *rows; /* NULL: they are read from `file` */
    int file;
    int64_t offset, stride, count, dimension;
    int32_t metric;
    const float *queries;
    int64_t query_count;
    const int64_t *candidates;
    int64_t candidate_count, k;
    int64_t *slots;
    float *scores;
} job;

static int32_t read_at(int file, off_t from, size_t left, char *to) {
    while (left) {
        const ssize_t got = pread(file, to, left, from);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return NFA_IO;
        to += got;
        from += got;
        left -= (size_t)got;
    }
    return NFA_OK;
}

static int32_t read_row(const job *j, int64_t slot, float *row) {
    return read_at(j->file, (off_t)(j->offset + slot * j->stride),
                   (size_t)j->dimension * sizeof(float), (char *)row);
}

static void prefetch(const job *j, int64_t slot) {
    if (!j->rows || slot < 0 || slot >= j->count) return;
    for (int64_t i = 0; i < j->dimension * 4; i += 64)
        __builtin_prefetch(j->rows + slot * j->stride + i);
}

static int32_t score_query(const job *j, int64_t q, float *buffer, uint64_t *packed) {
    const int64_t *candidates = j->candidates + q * j->candidate_count;
    size_t found = 0;
    for (int64_t i = 0; i < j->candidate_count; i++) {
        const int64_t slot = candidates[i];
        if (i + 2 < j->candidate_count) prefetch(j, candidates[i + 2]);
        if (slot == -1) continue;
        if (slot < 0 || slot >= j->count) return NFA_INVALID;
        const float *row = buffer;
        if (j->rows) row = (const float *)(const void *)(j->rows + slot * j->stride);
        else if (read_row(j, slot, buffer) != NFA_OK) return NFA_IO;
        const double score = nfa_exact_score(j->kernel, j->metric, row,
                                             j->queries + q * j->dimension, (size_t)j->dimension);
        packed[found++] = nfa_packed_score(score, (uint32_t)slot);
    }
    nfa_write_best(packed, found, (size_t)j->k, j->slots + q * j->k, j->scores + q * j->k);
    return NFA_OK;
}

static int32_t run(const job *j) {
    if (!j->kernel || j->stride % 4 || j->count < 0 || j->count > UINT32_MAX) return NFA_INVALID;
    if (j->dimension < 1 || j->dimension > 1 << 20 || j->stride < 4 * j->dimension) return NFA_INVALID;
    if (j->metric < NFA_COSINE || j->metric > NFA_EUCLIDEAN || j->query_count < 0) return NFA_INVALID;
    if (j->candidate_count < 0 || j->candidate_count > UINT32_MAX || j->k < 1) return NFA_INVALID;
    float *buffer = malloc((size_t)j->dimension * sizeof *buffer);
    uint64_t *packed = malloc(((size_t)j->candidate_count + 1) * sizeof *packed);
    int32_t status = buffer && packed ? NFA_OK : NFA_OUT_OF_MEMORY;
    for (int64_t q = 0; q < j->query_count && status == NFA_OK; q++)
        status = score_query(j, q, buffer, packed);
    free(buffer);
    free(packed);
    return status;
}

int32_t nfa_rescore(int32_t kernel, const void *rows, int64_t stride, int64_t count,
                    int64_t dimension, int32_t metric, const float *queries, int64_t query_count,
                    const int64_t *candidates, int64_t candidate_count, int64_t k, int64_t *slots,
                    float *scores) {
    if (count && !rows) return NFA_INVALID;
    const job j = {nfa_kernel_at(kernel), rows, -1, 0, stride, count, dimension, metric, queries,
                   query_count, candidates, candidate_count, k, slots, scores};
    return run(&j);
}

int32_t nfa_rescore_file(int32_t kernel, int32_t file, int64_t offset, int64_t stride,
                         int64_t count, int64_t dimension, int32_t metric, const float *queries,
                         int64_t query_count, const int64_t *candidates, int64_t candidate_count,
                         int64_t k, int64_t *slots, float *scores) {
    const job j = {nfa_kernel_at(kernel), NULL, file, offset, stride, count, dimension, metric,
                   queries, query_count, candidates, candidate_count, k, slots, scores};
    return run(&j);
}

int32_t nfa_read(int32_t file, int64_t offset, int64_t stride, int64_t size, const int64_t *slots,
                 int64_t slot_count, void *out) {
    if (offset < 0 || stride < 1 || size < 0 || size > stride) return NFA_INVALID;
    for (int64_t i = 0; i < slot_count; i++) {
        if (slots[i] < 0 || slots[i] > (INT64_MAX - offset) / stride - 1) return NFA_INVALID;
        const int32_t status = read_at(file, (off_t)(offset + slots[i] * stride), (size_t)size,
                                       (char *)out + i * size);
        if (status != NFA_OK) return status;
    }
    return NFA_OK;
}
