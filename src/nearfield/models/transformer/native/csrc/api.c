/* The interface: everything that comes from outside is checked here, and only here. */
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* Preferred first, in each precision. */
static const kernel *const kernels[] = {
#if defined(NF_WITH_AMX)
    &nf_kernel_amx,
#endif
#if defined(NF_WITH_AVX512BF16)
    &nf_kernel_avx512bf16,
    &nf_kernel_amx_emulated,
#endif
#if defined(NF_WITH_AVX512)
    &nf_kernel_avx512,
#endif
#if defined(NF_WITH_AVX2)
    &nf_kernel_avx2,
#endif
    &nf_kernel_plain,
};

#define KERNELS ((int32_t)(sizeof kernels / sizeof *kernels))

int32_t nf_abi_version(void) { return NF_ABI_VERSION; }
int32_t nf_kernel_count(void) { return KERNELS; }

static const kernel *kernel_at(int32_t i) { return i >= 0 && i < KERNELS ? kernels[i] : NULL; }

const char *nf_kernel_name(int32_t i) { return kernel_at(i) ? kernels[i]->name : ""; }
int32_t nf_kernel_usable(int32_t i) { return kernel_at(i) ? kernels[i]->usable() : 0; }
int32_t nf_kernel_precision(int32_t i) { return kernel_at(i) ? (int32_t)kernels[i]->precision : -1; }
int32_t nf_kernel_only_by_name(int32_t i) { return kernel_at(i) ? kernels[i]->only_by_name : 0; }

int32_t nf_fail(int32_t status, char *message, size_t size, const char *format, ...) {
    if (message && size) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(message, size, format, arguments);
        va_end(arguments);
    }
    return status;
}

/* Limits far beyond every model; they keep each product of two sizes inside of 64 bits. */
static const char *shape_fault(const nf_shape *s) {
    if (s->layers < 1 || s->layers > 4096) return "layers must be 1 to 4096";
    if (s->hidden < 1 || s->hidden > 65536) return "hidden must be 1 to 65536";
    if (s->heads < 1 || s->hidden % s->heads) return "heads must divide hidden";
    if (s->intermediate < 1 || s->intermediate > 1 << 20) return "intermediate must be 1 to 2^20";
    if (s->vocabulary < 1 || s->vocabulary > INT32_MAX) return "vocabulary must be 1 to 2^31 - 1";
    if (s->positions < 1 || s->positions > 1 << 20) return "positions must be 1 to 2^20";
    if (s->padding_id < -1 || s->padding_id > s->positions - 2)
        return "padding_id must leave a position behind it";
    if (s->relative != 0 && s->relative != 1) return "relative must be 0 or 1";
    if (s->activation < NF_GELU || s->activation > NF_TANH) return "unknown activation";
    if (!(s->norm_epsilon >= 0.0 && s->norm_epsilon <= 1.0)) return "norm_epsilon must be 0 to 1";
    return NULL;
}

static const char *missing_weight(const nf_shape *s, const nf_weights *w) {
    if (!w->norm_weight || !w->norm_bias) return "embedding norm";
    if (s->relative && !w->relative_bias) return "relative bias";
    if (!w->layers) return "layers";
    for (int64_t i = 0; i < s->layers; i++) {
        const float *const *pointer = (const float *const *)(const void *)(w->layers + i);
        for (size_t k = 0; k < sizeof(nf_layer_weights) / sizeof(float *); k++)
            if (!pointer[k]) return "a layer's weight or bias";
    }
    return NULL;
}

/* Feed-forward columns computed at a time: few enough that their panel and rows stay cached. */
static size_t wide_chunk(size_t wide) {
    size_t chunks = (wide + 511) / 512;
    return nf_round_up((wide + chunks - 1) / chunks, NF_ALIGN);
}

static void set_sizes(nf_model *m) {
    const size_t line = 64 / m->kernel->element, heads = (size_t)m->shape.heads;
    m->hidden = nf_round_up((size_t)m->shape.hidden, NF_ALIGN);
    m->head = nf_round_up((size_t)m->shape.hidden / heads, NF_ALIGN);
    m->head_columns = heads * m->head;
    m->wide_chunk = wide_chunk(nf_round_up((size_t)m->shape.intermediate, NF_ALIGN));
    m->state_stride = m->hidden + line;
    m->qkv_stride = 3 * m->head_columns + line;
    m->context_stride = m->head_columns + line;
    m->wide_stride = m->wide_chunk + line;
}

/* A model whose sizes are known and whose weights are not there yet. */
static int32_t new_model(const nf_shape *shape, const char *name, nf_model **model, char *message,
                         size_t size) {
    if (!shape || !name) return nf_fail(NF_INVALID, message, size, "a null pointer was given");
    const char *fault = shape_fault(shape);
    if (fault) return nf_fail(NF_INVALID, message, size, "%s", fault);
    const kernel *chosen = NULL;
    for (int32_t i = 0; i < KERNELS; i++)
        if (!strcmp(kernels[i]->name, name)) chosen = kernels[i];
    if (!chosen || !chosen->usable())
        return nf_fail(NF_UNAVAILABLE, message, size, "the kernel %s is not %s", name,
                       chosen ? "usable on this processor" : "in this library");
    nf_model *m = calloc(1, sizeof *m);
    if (!m) return nf_fail(NF_OUT_OF_MEMORY, message, size, "no memory for the model");
    m->shape = *shape;
    m->kernel = chosen;
    pthread_mutex_init(&m->lock, NULL);
    set_sizes(m);
    if (nf_lay_panels(m, NULL) != NF_OK) {
        nf_model_free(m);
        return nf_fail(NF_OUT_OF_MEMORY, message, size, "no memory for the model");
    }
    *model = m;
    return NF_OK;
}

static int32_t lay_given(nf_model *m, const void *panels, int64_t bytes, char *message, size_t size) {
    if (!panels || (uintptr_t)panels % 64)
        return nf_fail(NF_INVALID, message, size, "panels must lie on a cache line's border");
    if (bytes < 0 || (size_t)bytes != m->panels_bytes)
        return nf_fail(NF_INVALID, message, size, "panels have %lld bytes, expected %zu",
                       (long long)bytes, m->panels_bytes);
    (void)nf_lay_panels(m, (void *)(uintptr_t)panels);
    return NF_OK;
}

int32_t nf_panels_bytes(const nf_shape *shape, const char *kernel, int64_t *bytes, char *message,
                        size_t size) {
    nf_model *m = NULL;
    if (!bytes) return nf_fail(NF_INVALID, message, size, "a null pointer was given");
    const int32_t status = new_model(shape, kernel, &m, message, size);
    if (status == NF_OK) *bytes = (int64_t)m->panels_bytes;
    nf_model_free(m);
    return status;
}

int32_t nf_panels_fill(const nf_shape *shape, const nf_weights *weights, const char *kernel,
                       int32_t threads, void *panels, int64_t bytes, char *message, size_t size) {
    nf_model *m = NULL;
    if (!weights) return nf_fail(NF_INVALID, message, size, "a null pointer was given");
    int32_t status = new_model(shape, kernel, &m, message, size);
    if (status != NF_OK) return status;
    const char *missing = missing_weight(shape, weights);
    if (missing) status = nf_fail(NF_INVALID, message, size, "missing weights: %s", missing);
    if (status == NF_OK) status = lay_given(m, panels, bytes, message, size);
    if (status == NF_OK) nf_fill_panels(m, weights, threads);
    nf_model_free(m);
    return status;
}

int32_t nf_model_new(const nf_shape *shape, const char *kernel, const float *words,
                     const float *positions, const void *panels, int64_t bytes, nf_model **model,
                     char *message, size_t size) {
    nf_model *m = NULL;
    if (!model) return nf_fail(NF_INVALID, message, size, "a null pointer was given");
    *model = NULL;
    int32_t status = new_model(shape, kernel, &m, message, size);
    if (status != NF_OK) return status;
    if (!words || !positions)
        status = nf_fail(NF_INVALID, message, size, "missing weights: words or positions");
    else
        status = lay_given(m, panels, bytes, message, size);
    if (status != NF_OK) {
        nf_model_free(m);
        return status;
    }
    m->words = words;
    m->positions = positions;
    *model = m;
    return NF_OK;
}

void nf_model_free(nf_model *m) {
    if (!m) return;
    nf_free_workspaces(m);
    pthread_mutex_destroy(&m->lock);
    free(m->layers);
    free(m);
}

/* One call of nf_encode, shared by its threads. */
typedef struct {
    nf_model *model;
    const int64_t *ids, *borders;
    const int64_t *starts; /* blocks + 1: the first text of each block */
    int64_t blocks;
    size_t most_tokens;
    enum nf_pooling pooling;
    float *out;
    size_t members; /* threads that work on each block together */
    atomic_llong next;
    atomic_int status;
} call;

/* Mean of the rows, or the first one; zero for a text without tokens. */
static void pool(const nf_model *m, const float *rows, size_t length, enum nf_pooling pooling,
                 float *out) {
    const size_t hidden = (size_t)m->shape.hidden;
    if (length == 0 || pooling == NF_MEAN) memset(out, 0, hidden * sizeof(float));
    if (length == 0) return;
    if (pooling == NF_CLS) {
        memcpy(out, rows, hidden * sizeof(float));
        return;
    }
    for (size_t t = 0; t < length; t++)
        for (size_t j = 0; j < hidden; j++) out[j] += rows[t * m->hidden + j];
    for (size_t j = 0; j < hidden; j++) out[j] /= (float)length;
}

static void deliver(const call *c, const workspace *w, int64_t first, int64_t end) {
    const nf_model *m = c->model;
    const size_t hidden = (size_t)m->shape.hidden;
    const float *rows = w->residual;
    for (int64_t text = first; text < end; text++) {
        const size_t length = (size_t)(c->borders[text + 1] - c->borders[text]);
        if (c->pooling != NF_TOKENS)
            pool(m, rows, length, c->pooling, c->out + (size_t)text * hidden);
        else
            for (size_t t = 0; t < length; t++)
                memcpy(c->out + ((size_t)c->borders[text] + t) * hidden, rows + t * m->hidden,
                       hidden * sizeof(float));
        rows += length * m->hidden;
    }
}

/* Where other programs want the cores as well, the next calls do without a team: some at first,
 * many if it happens again and again. */
static void learn(nf_model *m, int interrupted) {
    pthread_mutex_lock(&m->lock);
    if (interrupted) m->alone = m->pause = m->pause < 2 ? 4 : m->pause < 256 ? 2 * m->pause : 256;
    else m->pause /= 2;
    pthread_mutex_unlock(&m->lock);
}

static int goes_alone(nf_model *m) {
    pthread_mutex_lock(&m->lock);
    const int alone = m->alone > 0;
    m->alone -= alone;
    pthread_mutex_unlock(&m->lock);
    return alone;
}

static void encode_blocks(void *context) {
    call *c = context;
    workspace *w = nf_take_workspace(c->model, c->most_tokens, c->members);
    if (!w) {
        atomic_store(&c->status, NF_OUT_OF_MEMORY);
        return;
    }
    team *t = nf_team_gather(c->model->kernel, c->members);
    c->model->kernel->thread_begin();
    for (;;) {
        const long long i = atomic_fetch_add(&c->next, 1);
        if (i >= c->blocks) break;
        const int64_t first = c->starts[i], end = c->starts[i + 1];
        const block texts = {c->ids + c->borders[first], c->borders + first, (size_t)(end - first)};
        c->model->kernel->encode(c->model, w, &texts, t);
        deliver(c, w, first, end);
    }
    c->model->kernel->thread_end();
    if (t) learn(c->model, nf_team_dismiss(t));
    nf_return_workspace(c->model, w);
}

/* Tokens of a block: so many that reading the weights is cheap, so few that what a layer keeps of
 * them stays in the nearer caches (best of 320 to 1280 kB on 1 MB of second-level cache), and few
 * enough that every thread gets a share. */
static int64_t block_tokens(const nf_model *m, int64_t tokens, int32_t threads) {
    const size_t row = m->kernel->element * (m->state_stride + m->wide_stride) + 4 * m->hidden;
    int64_t best = (int64_t)((size_t)1280 * 1024 / row);
    if (best < 64) best = 64;
    if (best > 384) best = 384;
    const int64_t share = (tokens + threads - 1) / threads;
    return share < best ? (share > 1 ? share : 1) : best;
}

#define TEAM_TOKENS 128
#define TEAM_BYTES ((size_t)1 << 20)
#define TEAM_MOST 8

/* Threads for each block. One text, or so few tokens that reading the weights takes most of the
 * time, are one block for a team, each of whose threads reads a part of the weights; more are
 * blocks for one thread each. What takes less than some 50 µs is not worth starting a thread. */
static size_t team_size(nf_model *m, int64_t texts, int64_t tokens, int32_t threads) {
    if (threads < 2 || m->panels_bytes < TEAM_BYTES) return 1;
    if ((texts > 1 && tokens > TEAM_TOKENS) || goes_alone(m)) return 1;
    return threads < TEAM_MOST ? (size_t)threads : TEAM_MOST;
}

/* Cut the texts into blocks, each at least one text; returns their number. */
static int64_t plan(call *c, int64_t *starts, int64_t texts, int64_t budget) {
    int64_t blocks = 0, text = 0;
    while (text < texts) {
        const int64_t first = text++;
        while (text < texts && c->borders[text + 1] - c->borders[first] <= budget) text++;
        const size_t tokens = (size_t)(c->borders[text] - c->borders[first]);
        if (tokens > c->most_tokens) c->most_tokens = tokens;
        starts[blocks++] = first;
    }
    starts[blocks] = texts;
    return blocks;
}

static int32_t check_batch(const nf_model *m, const int64_t *ids, int64_t tokens,
                           const int64_t *borders, int64_t texts, char *message, size_t size) {
    const nf_shape *s = &m->shape;
    const int64_t longest = s->positions - (s->padding_id + 1);
    if (borders[0] != 0 || borders[texts] != tokens)
        return nf_fail(NF_INVALID, message, size, "borders go from %lld to %lld, expected 0 to %lld",
                    (long long)borders[0], (long long)borders[texts], (long long)tokens);
    for (int64_t i = 0; i < texts; i++) {
        if (borders[i] > borders[i + 1] || borders[i + 1] > tokens)
            return nf_fail(NF_INVALID, message, size, "border %lld is %lld and the next one %lld",
                        (long long)i, (long long)borders[i], (long long)borders[i + 1]);
        if (borders[i + 1] - borders[i] > longest)
            return nf_fail(NF_INVALID, message, size, "text %lld has %lld tokens, positions are for %lld",
                        (long long)i, (long long)(borders[i + 1] - borders[i]), (long long)longest);
    }
    for (int64_t i = 0; i < tokens; i++)
        if (ids[i] < 0 || ids[i] >= s->vocabulary)
            return nf_fail(NF_INVALID, message, size, "token %lld is %lld, the vocabulary has %lld",
                        (long long)i, (long long)ids[i], (long long)s->vocabulary);
    return NF_OK;
}

int32_t nf_encode(nf_model *model, const int64_t *ids, int64_t tokens, const int64_t *borders,
                  int64_t texts, int32_t pooling, float *out, int64_t out_count, int32_t threads,
                  char *message, size_t size) {
    if (!model || !borders || texts < 0 || tokens < 0 || (tokens && !ids))
        return nf_fail(NF_INVALID, message, size, "a null pointer or a negative count was given");
    if (pooling < NF_TOKENS || pooling > NF_CLS)
        return nf_fail(NF_INVALID, message, size, "unknown pooling %d", (int)pooling);
    const int64_t rows = pooling == NF_TOKENS ? tokens : texts, hidden = model->shape.hidden;
    if (rows > INT64_MAX / 4 / hidden || out_count != rows * hidden || (out_count && !out))
        return nf_fail(NF_INVALID, message, size, "out has %lld floats, expected %lld rows of %lld",
                    (long long)out_count, (long long)rows, (long long)hidden);
    const int32_t status = check_batch(model, ids, tokens, borders, texts, message, size);
    if (status != NF_OK || texts == 0) return status;

    int64_t *starts = malloc(((size_t)texts + 1) * sizeof *starts);
    if (!starts) return nf_fail(NF_OUT_OF_MEMORY, message, size, "no memory for the plan");
    if (threads < 1) threads = 1;
    call c = {.model = model, .ids = ids, .borders = borders, .starts = starts, .out = out,
              .pooling = (enum nf_pooling)pooling};
    c.members = team_size(model, texts, tokens, threads);
    c.blocks = plan(&c, starts, texts, block_tokens(model, tokens, c.members > 1 ? 1 : threads));
    if (c.members > 1) encode_blocks(&c);
    else nf_run_on_threads(threads < c.blocks ? threads : (int32_t)c.blocks, encode_blocks, &c);
    free(starts);
    if (atomic_load(&c.status) != NF_OK)
        return nf_fail(NF_OUT_OF_MEMORY, message, size, "no memory for %lld tokens at once",
                    (long long)c.most_tokens);
    return NF_OK;
}
