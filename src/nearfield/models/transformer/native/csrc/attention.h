/* softmax(Q Kᵀ / √d + bias) V, text by text and head by head; the queries' weights hold 1 / √d. */
#ifndef NF_ATTENTION_H
#define NF_ATTENTION_H

#include "model.h"
#include "panels.h"

/* Turn one row of scores into shares of 1 / the returned factor. The maximum is subtracted first,
 * so that no score overflows; the sum is divided out of the context, which is shorter. */
INLINE float softmax_row(float *scores, const float *bias, element *shares, size_t keys, size_t padded) {
    const size_t end = nf_round_up(keys, LANES);
    if (bias)
        for (size_t j = 0; j < keys; j++) scores[j] += bias[j];
    for (size_t j = keys; j < end; j++) scores[j] = -3.0e38f;
    vec largest = v_set(-3.0e38f);
    for (size_t j = 0; j < end; j += LANES) largest = v_max(largest, v_load(scores + j));
    const vec maximum = v_set(v_largest(largest));
    vec sums = v_set(0.0f);
    for (size_t j = 0; j < end; j += LANES) {
        vec share = v_exp(v_sub(v_load(scores + j), maximum));
        sums = v_add(sums, share);
        store_elements(shares + j, share);
    }
    for (size_t j = keys; j < padded; j++) shares[j] = 0;
    return 1.0f / v_sum(sums);
}

/* Some queries of one head against all keys: scores, softmax, context. */
INLINE void attend_rows(const nf_model *m, const scratch *own, const element *queries, size_t rows,
                        size_t keys, const float *bias, element *context) {
    const size_t head_words = m->head / PER_WORD;
    const size_t padded = nf_round_up(keys, SUMMED_MULTIPLE);
    const size_t score_stride = nf_round_up(keys, NF_ALIGN);
    const size_t share_stride = score_stride + NF_ALIGN; /* see the strides in model.h */
    for (size_t key = 0; key < keys; key += PANEL)
        row_product(rows, (const word *)(const void *)queries, m->qkv_stride / PER_WORD,
                    (const word *)own->keys + key * head_words, head_words, own->scores + key,
                    score_stride, NULL, NULL);
    float factors[ROWS];
    element *shares = own->shares;
    for (size_t r = 0; r < rows; r++)
        factors[r] = softmax_row(own->scores + r * score_stride, bias ? bias - r : NULL,
                                 shares + r * share_stride, keys, padded);
    for (size_t column = 0; column < m->head; column += PANEL) {
        row_product(rows, (const word *)(const void *)shares, share_stride / PER_WORD,
                    (const word *)own->values + column * (padded / PER_WORD), padded / PER_WORD,
                    own->tile, PANEL, NULL, NULL);
        for (size_t r = 0; r < rows; r++)
            for (size_t n = 0; n < PANEL; n += LANES)
                store_elements(context + r * m->context_stride + column + n,
                               v_mul(v_load(own->tile + r * PANEL + n), v_set(factors[r])));
    }
}

/* Heads from `head` to `end` of the text whose tokens are the rows from `first` on. */
static void attend_heads(const nf_model *m, const workspace *w, const scratch *own, size_t head,
                         size_t end, size_t first, size_t length) {
    const size_t step = rows_at_a_time(length);
    const size_t padded = nf_round_up(length, SUMMED_MULTIPLE);
    const size_t reach = (size_t)m->shape.positions;
    for (; head < end; head++) {
        const element *query = (const element *)w->qkv + first * m->qkv_stride + head * 3 * m->head;
        const element *key = query + m->head, *value = key + m->head;
        columns_from_rows(own->keys, (const word *)(const void *)key, m->qkv_stride / PER_WORD,
                          length, m->head / PER_WORD);
        sums_over_rows(own->values, value, m->qkv_stride, length, padded, m->head);
        /* The bias of key j and query i stands at j - i + reach - 1. */
        const float *bias =
            m->relative_bias ? m->relative_bias + head * (2 * reach - 1) + reach - 1 : NULL;
        element *context = (element *)w->context + first * m->context_stride + head * m->head;
        for (size_t row = 0; row < length; row += step)
            attend_rows(m, own, query + row * m->qkv_stride,
                        length - row < step ? length - row : step, length,
                        bias ? bias - row : NULL, context + row * m->context_stride);
    }
}

#endif
