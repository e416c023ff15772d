/* The right side of every product, in the order in which it is read.
 *
 * A panel holds PANEL columns of the product: for each word of the summed dimension, the words of
 * the panel's columns side by side. Weights become panels once, keys and values for each text.
 * A panel of 32 columns of bfloat16 pairs is at the same time two AMX tiles.
 */
#ifndef NF_PANELS_H
#define NF_PANELS_H

#include <stddef.h>

#include "elements.h"
#include "model.h"

/* Panels whose columns are `rows` (weights are stored so, and keys): a transposition of words.
 * `columns` is the number of rows that exist; the panels' other columns become zero. */
INLINE void columns_from_rows(word *panel, const word *rows, size_t stride, size_t columns, size_t words) {
    for (size_t first = 0; first < columns; first += PANEL, panel += words * PANEL) {
        size_t count = columns - first < PANEL ? columns - first : PANEL;
        const word *from = rows + first * stride;
#if LANES == 16
        size_t whole = count == PANEL ? words / 16 * 16 : 0;
        for (size_t k = 0; k < whole; k += 16)
            for (size_t n = 0; n < PANEL; n += 16)
                transpose_16(panel + k * PANEL + n, PANEL, from + n * stride + k, stride);
#else
        size_t whole = 0;
#endif
        for (size_t k = whole; k < words; k++) {
            word *to = panel + k * PANEL;
            for (size_t n = 0; n < count; n++) to[n] = from[n * stride + k];
            for (size_t n = count; n < PANEL; n++) to[n] = 0;
        }
    }
}

/* Panels whose summed dimension runs over `rows` (values are stored so): for each panel of the
 * rows' columns, pairs of rows interleaved where a word holds two. `padded` rows are written,
 * those from `count` on as zero. */
INLINE void sums_over_rows(word *panel, const element *rows, size_t stride, size_t count,
                           size_t padded, size_t columns) {
    for (size_t first = 0; first < columns; first += PANEL)
        for (size_t k = 0; k < padded; k += PER_WORD, panel += PANEL) {
            const element *row = rows + k * stride + first;
#if PER_WORD == 1
            if (k < count) memcpy(panel, row, PANEL * sizeof(word));
            else memset(panel, 0, PANEL * sizeof(word));
#else
            if (k + 1 < count)
                for (size_t n = 0; n < PANEL; n++) panel[n] = row[n] | (word)row[n + stride] << 16;
            else if (k < count)
                for (size_t n = 0; n < PANEL; n++) panel[n] = row[n];
            else memset(panel, 0, PANEL * sizeof(word));
#endif
        }
}

/* Weights (outputs, inputs) into panels from column `first_output` on, scaled. Inputs come in
 * groups (heads, or all as one), each of which is padded with zeros to `padded_group`. */
static void pack(linear *to, size_t first_output, const float *weight, size_t outputs,
                 size_t inputs, size_t group, size_t padded_group, float factor) {
    size_t words = to->inputs / PER_WORD;
    word *panels = (word *)to->panels + first_output * words;
    _Alignas(64) element rows[PANEL][NF_ALIGN];
    for (size_t first = 0; first < outputs; first += PANEL, panels += words * PANEL) {
        size_t count = outputs - first < PANEL ? outputs - first : PANEL;
        memset(rows, 0, sizeof rows);
        /* NF_ALIGN inputs at a time: they lie in one group, as groups are padded to it. */
        for (size_t input = 0; input < to->inputs; input += NF_ALIGN) {
            size_t inside = input % padded_group;
            size_t from = input / padded_group * group + inside;
            size_t left = inside < group && from < inputs ? group - inside : 0;
            size_t present = left < NF_ALIGN ? left : NF_ALIGN;
            for (size_t n = 0; n < count; n++) {
                const float *source = weight + (first + n) * inputs + from;
                for (size_t k = 0; k < present; k++) rows[n][k] = to_element(source[k] * factor);
                for (size_t k = present; k < NF_ALIGN; k++) rows[n][k] = 0;
            }
            columns_from_rows(panels + input / PER_WORD * PANEL, (const word *)(const void *)rows,
                              NF_ALIGN / PER_WORD, PANEL, NF_ALIGN / PER_WORD);
        }
    }
}

#endif
