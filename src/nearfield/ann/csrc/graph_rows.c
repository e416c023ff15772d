/* Vectors and the distances between them.
 *
 * An int8 row is `width` bytes, value j as round(127 x_j / max |x|) + 128, padded with 128 (zero) to a
 * multiple of 64, then one float32, the scale, and except for cosine a second one, the term:
 *
 *   metric      scale          term                     distance of a and b
 *   cosine      1 / |codes|    -                        - scale_a scale_b (codes_a . codes_b)
 *   dot         max |x| / 127  sqrt(radius^2 - |x|^2)   - scale_a scale_b (codes_a . codes_b) - term_a term_b
 *   euclidean   max |x| / 127  |x|^2                    term_a + term_b - 2 scale_a scale_b (codes_a . codes_b)
 *
 * Products of codes are whole numbers, so every kernel gives the same distance to the last bit.
 *
 * A dot product is no metric: long vectors attract every link. The term is one more coordinate that
 * brings shorter vectors to the length `radius` (Bachrach et al. 2014, "Speeding up the Xbox
 * recommender system"); between such vectors the order is then that of the Euclidean distance. Longer
 * ones and a question have the term 0, so a question's order is that of the dot product.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "graph.h"

#define OFFSET 128
#define GROUP 4 /* rows that a kernel is given at a time */
#define AHEAD 8 /* rows whose memory is asked for before they are needed */
#define LINE 64

size_t nf_int8_width(size_t dimension) {
    return (dimension + NF_GRAPH_LANES - 1) / NF_GRAPH_LANES * NF_GRAPH_LANES;
}

static void write_float(uint8_t *to, float value) { memcpy(to, &value, sizeof value); }
static float read_float(const uint8_t *from) {
    float value;
    memcpy(&value, from, sizeof value);
    return value;
}

static int32_t encode_row(const float *x, size_t dimension, int32_t metric, const float *centre,
                       float radius, uint8_t *row) {
    size_t width = nf_int8_width(dimension);
    float highest = 0.0f;
    for (size_t j = 0; j < dimension; j++) {
        float value = fabsf(centre ? x[j] - centre[j] : x[j]);
        if (!(value <= FLT_MAX)) return NF_GRAPH_NOT_FINITE;
        if (value > highest) highest = value;
    }
    double factor = highest > 0.0f ? 127.0 / (double)highest : 0.0;
    int64_t squares = 0;
    for (size_t j = 0; j < dimension; j++) {
        float value = centre ? x[j] - centre[j] : x[j];
        int32_t code = (int32_t)rint((double)value * factor);
        squares += code * code;
        row[j] = (uint8_t)(code + OFFSET);
    }
    memset(row + dimension, OFFSET, width - dimension);
    double unit = (double)highest / 127.0, length = unit * unit * (double)squares;
    if (metric == NF_GRAPH_COSINE) {
        write_float(row + width, squares ? (float)(1.0 / sqrt((double)squares)) : 0.0f);
        return NF_GRAPH_OK;
    }
    double room = (double)radius * (double)radius - length;
    double lift = room > 0.0 ? sqrt(room) : 0.0;
    write_float(row + width, (float)unit);
    write_float(row + width + 4, (float)(metric == NF_GRAPH_DOT ? lift : length));
    return NF_GRAPH_OK;
}

int32_t nf_graph_encode(const float *vectors, int64_t stride, int64_t count, int64_t dimension,
                        int32_t metric, const float *centre, float radius, uint8_t *rows,
                        int64_t row_stride) {
    if (dimension < 1 || dimension > NF_GRAPH_MAX_DIMENSION || count < 0) return NF_GRAPH_INVALID;
    if (count && (!vectors || !rows || stride % 4)) return NF_GRAPH_INVALID;
    if (metric < NF_GRAPH_COSINE || metric > NF_GRAPH_EUCLIDEAN) return NF_GRAPH_INVALID;
    int64_t needed = (int64_t)nf_int8_width((size_t)dimension) + (metric == NF_GRAPH_COSINE ? 4 : 8);
    if (row_stride < needed) return NF_GRAPH_INVALID;
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *from = (const uint8_t *)vectors + i * stride;
        int32_t status = encode_row((const float *)(const void *)from, (size_t)dimension, metric,
                                    centre, radius, rows + i * row_stride);
        if (status) return status;
    }
    return NF_GRAPH_OK;
}

size_t nf_probe_bytes(const nf_graph *graph) {
    return graph->format == NF_GRAPH_INT8 ? nf_int8_width((size_t)graph->dimension)
                                          : (size_t)graph->dimension * sizeof(float);
}

/* int8: the values without their offset, as a kernel multiplies them with rows that have it. */
static void probe_of_row(const nf_graph *graph, const uint8_t *row, void *values, nf_probe *probe) {
    size_t width = nf_int8_width((size_t)graph->dimension);
    uint8_t *codes = values;
    int32_t sum = 0;
    for (size_t j = 0; j < width; j++) {
        codes[j] = row[j] ^ OFFSET; /* two's complement of row[j] - OFFSET */
        sum += (int32_t)row[j];
    }
    probe->values = values;
    probe->correction = OFFSET * (sum - OFFSET * (int32_t)width);
    probe->scale = read_float(row + width);
    probe->term = graph->metric == NF_GRAPH_COSINE ? 0.0f : read_float(row + width + 4);
}

void nf_probe_of_query(const nf_graph *graph, const uint8_t *query, void *values, nf_probe *probe) {
    if (graph->format == NF_GRAPH_INT8) {
        probe_of_row(graph, query, values, probe);
        return;
    }
    const float *x = (const float *)(const void *)query;
    double squares = 0.0;
    for (int64_t j = 0; j < graph->dimension; j++) squares += (double)x[j] * (double)x[j];
    probe->values = x;
    probe->scale = graph->metric == NF_GRAPH_COSINE && squares > 0.0 ? (float)(1.0 / sqrt(squares)) : 1.0f;
    probe->term = 0.0f;
}

void nf_probe_of_slot(const nf_graph *graph, uint32_t slot, void *values, nf_probe *probe) {
    const uint8_t *row = graph->rows + (size_t)slot * (size_t)graph->stride;
    if (graph->format == NF_GRAPH_INT8) {
        probe_of_row(graph, row, values, probe);
        return;
    }
    float term = graph->terms ? graph->terms[slot] : 0.0f;
    probe->values = row;
    probe->scale = graph->metric == NF_GRAPH_COSINE ? term : 1.0f;
    probe->term = graph->metric == NF_GRAPH_DOT ? term : 0.0f;
}

static inline void prefetch_row(const uint8_t *row, size_t bytes) {
    for (size_t at = 0; at < bytes; at += LINE) __builtin_prefetch(row + at, 0, 3);
}

static void int8_group(const nf_graph *graph, const nf_graph_kernel *kernel, const nf_probe *probe,
                       const uint8_t *const *rows, size_t count, float *out) {
    size_t width = nf_int8_width((size_t)graph->dimension);
    int32_t dots[GROUP];
    kernel->int8_dots(probe->values, probe->correction, rows, count, width, dots);
    for (size_t i = 0; i < count; i++) {
        float product = probe->scale * read_float(rows[i] + width) * (float)dots[i];
        if (graph->metric == NF_GRAPH_COSINE) {
            out[i] = -product;
        } else {
            float term = read_float(rows[i] + width + 4);
            out[i] = graph->metric == NF_GRAPH_DOT ? -product - probe->term * term
                                                   : probe->term + term - 2.0f * product;
        }
    }
}

static void float_group(const nf_graph *graph, const nf_graph_kernel *kernel, const nf_probe *probe,
                        const uint8_t *const *rows, const uint32_t *slots, size_t count, float *out) {
    size_t dimension = (size_t)graph->dimension;
    if (graph->metric == NF_GRAPH_EUCLIDEAN) {
        kernel->float_squares(probe->values, rows, count, dimension, out);
        return;
    }
    kernel->float_dots(probe->values, rows, count, dimension, out);
    for (size_t i = 0; i < count; i++) {
        float term = graph->terms[slots[i]];
        out[i] = graph->metric == NF_GRAPH_COSINE ? -(out[i] * (probe->scale * term))
                                                  : -out[i] - probe->term * term;
    }
}

void nf_distances(const nf_graph *graph, const nf_probe *probe, const uint32_t *slots, size_t count,
                  float *out) {
    const nf_graph_kernel *kernel = nf_graph_kernel_at(graph->kernel);
    const uint8_t *rows[GROUP];
    size_t stride = (size_t)graph->stride, bytes = nf_probe_bytes(graph);
    for (size_t i = 0; i < count && i < AHEAD; i++) prefetch_row(graph->rows + slots[i] * stride, bytes);
    for (size_t i = 0; i < count; i += GROUP) {
        size_t group = count - i < GROUP ? count - i : GROUP;
        for (size_t j = i + AHEAD; j < count && j < i + AHEAD + GROUP; j++)
            prefetch_row(graph->rows + slots[j] * stride, bytes);
        for (size_t j = 0; j < group; j++) rows[j] = graph->rows + slots[i + j] * stride;
        if (graph->format == NF_GRAPH_INT8)
            int8_group(graph, kernel, probe, rows, group, out + i);
        else
            float_group(graph, kernel, probe, rows, slots + i, group, out + i);
    }
}
