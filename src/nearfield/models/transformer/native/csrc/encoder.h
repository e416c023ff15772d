/* The encoder of "Attention is all you need" (Vaswani et al. 2017) in BERT's post-norm form,
 * for one block of texts, on whatever products the translation unit has chosen. A *step* is work
 * that a team of threads can share, because no part of it reads what another one writes; how it
 * is shared changes no number.
 *
 * Rows are tokens. `state` is the layer's input as elements, `residual` the same in float32;
 * each half of a layer adds its result to `residual` and normalises that into a new `state`.
 */
#ifndef NF_ENCODER_H
#define NF_ENCODER_H

#include "functions.h"
#include "model.h"
#include "panels.h"

/* Columns or inputs of a layer, [first, first + count). */
typedef struct {
    size_t first, count;
} span;

/* What the steps of an encoder work on; one for each block. */
typedef struct {
    const nf_model *model;
    workspace *memory;
    const block *texts;
    size_t tokens;
    const layer *layer;
    span wide; /* feed-forward columns that are computed at the moment */
    const float *norm_weight, *norm_bias;
} work;

enum finish { STORE, ACTIVATE, ADD_TO_RESIDUAL };

INLINE vec activate(enum nf_activation activation, vec x) {
    switch (activation) {
        case NF_GELU: return v_gelu(x);
        case NF_GELU_TANH: return v_gelu_tanh(x);
        case NF_RELU: return v_relu(x);
        case NF_SILU: return v_silu(x);
        default: return v_tanh(x);
    }
}

/* The sums of some rows by one panel, waiting for bias and activation, or for the residual sum. */
typedef struct {
    const float *tile, *bias;
    void *out;
    size_t stride, rows, done;
    enum nf_activation activation;
} pending;

INLINE void finish_row(const enum finish finish, const enum nf_activation activation,
                       const pending *p, size_t row) {
    for (size_t n = 0; n < PANEL; n += LANES) {
        vec sums = v_load(p->tile + row * PANEL + n);
        if (p->bias) sums = v_add(sums, v_load(p->bias + n));
        if (finish == ADD_TO_RESIDUAL) {
            float *to = (float *)p->out + row * p->stride + n;
            v_store(to, v_add(v_load(to), sums));
        } else {
            if (finish == ACTIVATE) sums = activate(activation, sums);
            store_elements((element *)p->out + row * p->stride + n, sums);
        }
    }
}

INLINE void finish_rows(const enum finish finish, pending *p, size_t end) {
    if (end > p->rows) end = p->rows;
#define EACH_ROW(activation) \
    for (; p->done < end; p->done++) finish_row(finish, activation, p, p->done)
    if (finish != ACTIVATE) {
        EACH_ROW(NF_GELU);
        return;
    }
    switch (p->activation) { /* outside of the loop, so that each has its own */
        case NF_GELU: EACH_ROW(NF_GELU); break;
        case NF_GELU_TANH: EACH_ROW(NF_GELU_TANH); break;
        case NF_RELU: EACH_ROW(NF_RELU); break;
        case NF_SILU: EACH_ROW(NF_SILU); break;
        default: EACH_ROW(NF_TANH);
    }
#undef EACH_ROW
}

/* What a product may do between its steps: another unit of the processor does the work. */
INLINE void store_some(void *p, size_t rows) { finish_rows(STORE, p, ((pending *)p)->done + rows); }
INLINE void activate_some(void *p, size_t rows) { finish_rows(ACTIVATE, p, ((pending *)p)->done + rows); }
INLINE void add_some(void *p, size_t rows) { finish_rows(ADD_TO_RESIDUAL, p, ((pending *)p)->done + rows); }

/* A member's part of some columns, in whole panels. */
static span columns_of(size_t columns, member part) {
    const size_t panels = (columns + PANEL - 1) / PANEL;
    const size_t first = nf_part_begin(panels, part) * PANEL;
    return (span){first, nf_part_end(panels, part) * PANEL - first};
}

/* The given outputs of a linear layer over the given inputs. Panel by panel: a panel stays in the
 * nearest cache while all rows of the block pass it. `left` starts at the first given input, `out`
 * takes the first given output. The bias belongs to the first inputs only. The last step of each
 * tile is left pending while the next tile is summed. */
INLINE void product(const enum finish finish, const nf_model *m, const scratch *own, const linear *layer,
                    span inputs, span outputs, const element *left, size_t stride, size_t rows,
                    void *out, size_t out_stride) {
    const size_t words = layer->inputs / PER_WORD, used = inputs.count / PER_WORD;
    const size_t step = rows_at_a_time(rows);
    const size_t size = finish == ADD_TO_RESIDUAL ? sizeof(float) : sizeof(element);
    const word *panels = (const word *)layer->panels + inputs.first / PER_WORD * PANEL;
    float *tile = own->tile, *other = own->tile + ROWS * PANEL;
    pending p = {.stride = out_stride, .activation = (enum nf_activation)m->shape.activation};
    for (size_t n = 0; n < outputs.count; n += PANEL) {
        const word *panel = panels + (outputs.first + n) * words;
        for (size_t row = 0; row < rows; row += step) {
            const size_t count = rows - row < step ? rows - row : step;
            row_product(count, (const word *)(const void *)(left + row * stride),
                        stride / PER_WORD, panel, used, tile, PANEL,
                        finish == STORE ? store_some : finish == ACTIVATE ? activate_some : add_some,
                        &p);
            finish_rows(finish, &p, p.rows);
            p.tile = tile;
            p.bias = inputs.first ? NULL : layer->bias + outputs.first + n;
            p.out = (char *)out + (row * out_stride + n) * size;
            p.rows = count;
            p.done = 0;
            tile = other;
            other = (float *)p.tile;
        }
    }
    finish_rows(finish, &p, p.rows);
}

/* (x - mean) / √(variance + ε) · weight + bias, of one row, in place and as elements. */
static void layer_norm(const nf_model *m, float *row, const float *weight, const float *bias,
                       element *state) {
    const size_t hidden = (size_t)m->shape.hidden, whole = hidden / LANES * LANES;
    vec sums = v_set(0.0f);
    for (size_t j = 0; j < whole; j += LANES) sums = v_add(sums, v_load(row + j));
    float sum = v_sum(sums);
    for (size_t j = whole; j < hidden; j++) sum += row[j];
    const float mean = sum / (float)hidden;

    vec squares = v_set(0.0f), means = v_set(mean);
    for (size_t j = 0; j < whole; j += LANES) {
        vec x = v_sub(v_load(row + j), means);
        squares = v_fma(x, x, squares);
    }
    float square = v_sum(squares);
    for (size_t j = whole; j < hidden; j++) square += (row[j] - mean) * (row[j] - mean);
    const float deviation = __builtin_sqrtf(square / (float)hidden + (float)m->shape.norm_epsilon);

    vec scale = v_set(1.0f / deviation);
    for (size_t j = 0; j < m->hidden; j += LANES) {
        vec x = v_mul(v_sub(v_load(row + j), means), scale);
        x = v_fma(x, v_load(weight + j), v_load(bias + j));
        v_store(row + j, x);
        store_elements(state + j, x);
    }
}

/* Step: normalise `residual`, each member some rows. */
static void normalise(void *context, member part) {
    const work *k = context;
    const nf_model *m = k->model;
    for (size_t t = nf_part_begin(k->tokens, part); t < nf_part_end(k->tokens, part); t++)
        layer_norm(m, k->memory->residual + t * m->hidden, k->norm_weight, k->norm_bias,
                   (element *)k->memory->state + t * m->state_stride);
}

/* Step: word, position and type vectors summed, each member some texts. Where positions start
 * behind the padding id, a padding token inside of a text has its position and is not counted. */
static void embed(void *context, member part) {
    const work *k = context;
    const nf_model *m = k->model;
    const block *b = k->texts;
    const size_t hidden = (size_t)m->shape.hidden;
    const int64_t padding = m->shape.padding_id;
    for (size_t text = nf_part_begin(b->texts, part); text < nf_part_end(b->texts, part); text++) {
        int64_t counted = padding >= 0 ? padding + 1 : 0;
        for (int64_t t = b->borders[text] - b->borders[0]; t < b->borders[text + 1] - b->borders[0];
             t++) {
            const int64_t id = b->ids[t];
            const int64_t position = padding >= 0 && id == padding ? padding : counted++;
            const float *words = m->words + (size_t)id * hidden;
            const float *positions = m->positions + (size_t)position * hidden;
            float *row = k->memory->residual + (size_t)t * m->hidden;
            for (size_t j = 0; j < hidden; j++) row[j] = words[j] + m->token_type[j] + positions[j];
            for (size_t j = hidden; j < m->hidden; j++) row[j] = 0.0f;
        }
    }
}

#include "attention.h"

/* Step: queries, keys and values, then the attention, each member some heads. */
static void attend(void *context, member part) {
    const work *k = context;
    const nf_model *m = k->model;
    workspace *w = k->memory;
    const size_t heads = (size_t)m->shape.heads, columns = 3 * m->head;
    const size_t first = nf_part_begin(heads, part), end = nf_part_end(heads, part);
    const span all = {0, m->hidden}, own = {first * columns, (end - first) * columns};
    product(STORE, m, &w->scratch[part.index], &k->layer->qkv, all, own, w->state, m->state_stride,
            k->tokens, (element *)w->qkv + own.first, m->qkv_stride);
    for (size_t text = 0; text < k->texts->texts; text++) {
        const int64_t *borders = k->texts->borders;
        attend_heads(m, w, &w->scratch[part.index], first, end, (size_t)(borders[text] - borders[0]),
                     (size_t)(borders[text + 1] - borders[text]));
    }
}

/* Step: what the heads found, projected and added, each member some columns. */
static void add_attended(void *context, member part) {
    const work *k = context;
    const nf_model *m = k->model;
    workspace *w = k->memory;
    const span heads = {0, m->head_columns}, own = columns_of(m->hidden, part);
    product(ADD_TO_RESIDUAL, m, &w->scratch[part.index], &k->layer->attended, heads, own, w->context,
            m->context_stride, k->tokens, w->residual + own.first, m->hidden);
}

/* Step: the feed-forward layer's first half with its activation, each member some columns. */
static void widen(void *context, member part) {
    const work *k = context;
    const nf_model *m = k->model;
    workspace *w = k->memory;
    const span all = {0, m->hidden}, own = columns_of(k->wide.count, part);
    const span columns = {k->wide.first + own.first, own.count};
    product(ACTIVATE, m, &w->scratch[part.index], &k->layer->widen, all, columns, w->state,
            m->state_stride, k->tokens, (element *)w->wide + own.first, m->wide_stride);
}

/* Step: its second half, added, each member some columns. */
static void narrow(void *context, member part) {
    const work *k = context;
    const nf_model *m = k->model;
    workspace *w = k->memory;
    const span own = columns_of(m->hidden, part);
    product(ADD_TO_RESIDUAL, m, &w->scratch[part.index], &k->layer->narrow, k->wide, own, w->wide,
            m->wide_stride, k->tokens, w->residual + own.first, m->hidden);
}

static void normalise_all(work *k, team *t, const float *weight, const float *bias) {
    k->norm_weight = weight;
    k->norm_bias = bias;
    nf_team_step(t, normalise, k);
}

/* In chunks of columns, each of which is narrowed and added while it is still cached. */
static void feed_forward(work *k, team *t) {
    const size_t columns = k->layer->widen.outputs, chunk = k->model->wide_chunk;
    for (size_t first = 0; first < columns; first += chunk) {
        k->wide = (span){first, columns - first < chunk ? columns - first : chunk};
        nf_team_step(t, widen, k);
        nf_team_step(t, narrow, k);
    }
}

static void encode(const nf_model *m, workspace *w, const block *b, team *t) {
    work k = {.model = m, .memory = w, .texts = b,
              .tokens = (size_t)(b->borders[b->texts] - b->borders[0])};
    nf_team_step(t, embed, &k);
    normalise_all(&k, t, m->norm_weight, m->norm_bias);
    for (int64_t i = 0; i < m->shape.layers; i++) {
        const layer *l = k.layer = m->layers + i;
        nf_team_step(t, attend, &k);
        nf_team_step(t, add_attended, &k);
        normalise_all(&k, t, l->attended_norm_weight, l->attended_norm_bias);
        feed_forward(&k, t);
        normalise_all(&k, t, l->norm_weight, l->norm_bias);
    }
}

#endif
