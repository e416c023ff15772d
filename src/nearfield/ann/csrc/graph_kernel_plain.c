/* The graph's inner loops in portable C. */
#include "graph.h"

static int usable(void) { return 1; }

static void int8_dots(const int8_t *query, int32_t correction, const uint8_t *const *rows,
                      size_t count, size_t width, int32_t *out) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *row = rows[i];
        int32_t sum = 0;
        for (size_t j = 0; j < width; j++) sum += (int32_t)query[j] * (int32_t)row[j];
        out[i] = sum - correction;
    }
}

/* Eight sums that do not wait for each other; rows of a mapped file are aligned to four bytes. */
#define SUMS 8

static float total(const float *sums) {
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static void float_dots(const float *query, const uint8_t *const *rows, size_t count, size_t dimension,
                       float *out) {
    for (size_t i = 0; i < count; i++) {
        const float *row = (const float *)(const void *)rows[i];
        float sums[SUMS] = {0.0f};
        size_t j = 0;
        for (; j + SUMS <= dimension; j += SUMS)
            for (size_t s = 0; s < SUMS; s++) sums[s] += query[j + s] * row[j + s];
        for (; j < dimension; j++) sums[j % SUMS] += query[j] * row[j];
        out[i] = total(sums);
    }
}

static void float_squares(const float *query, const uint8_t *const *rows, size_t count,
                          size_t dimension, float *out) {
    for (size_t i = 0; i < count; i++) {
        const float *row = (const float *)(const void *)rows[i];
        float sums[SUMS] = {0.0f};
        size_t j = 0;
        for (; j + SUMS <= dimension; j += SUMS)
            for (size_t s = 0; s < SUMS; s++) {
                float gap = query[j + s] - row[j + s];
                sums[s] += gap * gap;
            }
        for (; j < dimension; j++) {
            float gap = query[j] - row[j];
            sums[j % SUMS] += gap * gap;
        }
        out[i] = total(sums);
    }
}

const nf_graph_kernel nf_graph_kernel_plain = {
    .name = "plain", .usable = usable, .int8_dots = int8_dots, .float_dots = float_dots,
    .float_squares = float_squares,
};
