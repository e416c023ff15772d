/* Random shapes, lengths and mistakes through the interface, under ASan and UBSan.
 *
 * Every kernel encodes the same texts; all must be near the plain one, and every mistake must be
 * refused. Usage: fuzz ROUNDS SEED
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearfield_native.h"

#define REQUIRE(condition)                                                        \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, message); \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

static uint64_t state;
static char message[256];

static int64_t between(int64_t low, int64_t high) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (int64_t)((state >> 33) % (uint64_t)(high - low + 1));
}

static float *numbers(int64_t count, float scale) {
    float *values = malloc((size_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) values[i] = scale * (float)between(-1000, 1000) / 1000.0f;
    return values;
}

static nf_shape random_shape(void) {
    const int64_t heads = between(1, 5);
    return (nf_shape){
        .layers = between(1, 2), .heads = heads, .hidden = heads * between(1, 70),
        .intermediate = between(1, 1100), .vocabulary = between(1, 40),
        .positions = between(3, 150), .padding_id = between(-1, 1),
        .activation = between(NF_GELU, NF_TANH), .relative = between(0, 1), .norm_epsilon = 1e-6,
    };
}

static nf_layer_weights random_layer(const nf_shape *s) {
    const int64_t h = s->hidden, f = s->intermediate;
    const float scale = 1.0f / sqrtf((float)h);
    return (nf_layer_weights){
        numbers(h * h, scale), numbers(h, 1), numbers(h * h, scale), numbers(h, 1),
        numbers(h * h, scale), numbers(h, 1), numbers(h * h, scale), numbers(h, 1),
        numbers(h, 1), numbers(h, 1), numbers(f * h, scale), numbers(f, 1),
        numbers(h * f, 1.0f / sqrtf((float)f)), numbers(h, 1), numbers(h, 1), numbers(h, 1),
    };
}

static void mistakes(nf_model *model, const nf_shape *s, int64_t *ids, int64_t *borders,
                     int64_t texts, float *out) {
    const int64_t tokens = borders[texts], count = tokens * s->hidden;
#define ENCODE(ids, tokens, borders, texts, pooling, out, count) \
    nf_encode(model, ids, tokens, borders, texts, pooling, out, count, 2, message, sizeof message)
    REQUIRE(ENCODE(ids, tokens, borders, texts, 3, out, count) == NF_INVALID);
    REQUIRE(ENCODE(ids, tokens, borders, texts, NF_TOKENS, out, count + 1) == NF_INVALID);
    REQUIRE(ENCODE(ids, tokens, NULL, texts, NF_TOKENS, out, count) == NF_INVALID);
    REQUIRE(ENCODE(ids, tokens + 1, borders, texts, NF_TOKENS, out, count + s->hidden) == NF_INVALID);
    REQUIRE(ENCODE(ids, tokens, borders, -1, NF_TOKENS, out, count) == NF_INVALID);
    REQUIRE(ENCODE(ids, INT64_MAX, borders, texts, NF_TOKENS, out, count) == NF_INVALID);
    if (tokens) {
        const int64_t place = between(0, tokens - 1), kept = ids[place];
        ids[place] = between(0, 1) ? s->vocabulary : -1 - between(0, 5);
        REQUIRE(ENCODE(ids, tokens, borders, texts, NF_TOKENS, out, count) == NF_INVALID);
        ids[place] = kept;
        REQUIRE(ENCODE(NULL, tokens, borders, texts, NF_TOKENS, out, count) == NF_INVALID);
        REQUIRE(ENCODE(ids, tokens, borders, texts, NF_TOKENS, NULL, count) == NF_INVALID);
    }
    const int64_t place = between(0, texts), kept = borders[place];
    borders[place] = between(0, 1) ? INT64_MIN : INT64_MAX;
    REQUIRE(ENCODE(ids, tokens, borders, texts, NF_TOKENS, out, count) == NF_INVALID);
    borders[place] = kept;
}

static void compare(const float *a, const float *b, int64_t rows, int64_t hidden, double bound) {
    double squares = 0, difference = 0;
    for (int64_t i = 0; i < rows * hidden; i++) {
        squares += (double)a[i] * a[i];
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    }
    snprintf(message, sizeof message, "difference %g of %g", sqrt(difference), sqrt(squares));
    REQUIRE(isfinite(difference) && difference <= bound * bound * (squares + 1e-9));
}

/* As a damaged file would: the checksum sees every flip, and an encoder of wrong numbers still
 * keeps to its memory. */
__attribute__((no_sanitize("address"))) /* the gaps between the pieces are flipped as well */
static void flip_bits(char *panels, int64_t bytes) {
    for (int i = 0; i < 20; i++) {
        const uint64_t before = nf_checksum(panels, bytes);
        panels[between(0, bytes - 1)] ^= (char)(1 << between(0, 7));
        REQUIRE(nf_checksum(panels, bytes) != before);
    }
}

static void one_round(void) {
    const nf_shape s = random_shape();
    nf_layer_weights layers[2] = {random_layer(&s), random_layer(&s)};
    float *words = numbers(s.vocabulary * s.hidden, 1), *positions = numbers(s.positions * s.hidden, 1);
    nf_weights w = {
        .token_type = between(0, 1) ? numbers(s.hidden, 1) : NULL,
        .norm_weight = numbers(s.hidden, 1), .norm_bias = numbers(s.hidden, 1),
        .relative_bias = s.relative ? numbers(s.heads * (2 * s.positions - 1), 1) : NULL,
        .layers = layers,
    };
    const int64_t texts = between(1, 9), longest = s.positions - (s.padding_id + 1);
    int64_t *borders = calloc((size_t)texts + 1, sizeof *borders);
    for (int64_t i = 0; i < texts; i++)
        borders[i + 1] = borders[i] + between(0, between(0, 3) ? (longest < 20 ? longest : 20) : longest);
    const int64_t tokens = borders[texts];
    int64_t *ids = malloc((size_t)(tokens + 1) * sizeof *ids);
    for (int64_t i = 0; i < tokens; i++) ids[i] = between(0, s.vocabulary - 1);
    /* Exactly as long as needed, so that one float too many is seen. */
    float *expected = malloc((size_t)(tokens * s.hidden) * sizeof(float));
    float *out = malloc((size_t)(tokens * s.hidden) * sizeof(float));
    float *pooled = malloc((size_t)(texts * s.hidden) * sizeof(float));
    for (int32_t k = nf_kernel_count() - 1; k >= 0; k--) {
        if (!nf_kernel_usable(k)) continue;
        nf_model *model = NULL;
        const char *name = nf_kernel_name(k);
        const int32_t threads = (int32_t)between(1, 4);
        int64_t bytes = 0;
        REQUIRE(nf_panels_bytes(&s, name, &bytes, message, sizeof message) == NF_OK);
        char *panels = aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64);
        memset(panels, 0, (size_t)bytes);
        REQUIRE(nf_panels_fill(&s, &w, name, threads, panels, bytes, message, sizeof message) == NF_OK);
        REQUIRE(nf_panels_fill(&s, &w, name, 1, panels, bytes + 1, message, sizeof message) == NF_INVALID);
        REQUIRE(nf_model_new(&s, name, words, positions, panels, bytes, &model, message,
                             sizeof message) == NF_OK);
        float *to = strcmp(name, "plain") ? out : expected;
        REQUIRE(nf_encode(model, ids, tokens, borders, texts, NF_TOKENS, to, tokens * s.hidden,
                          threads, message, sizeof message) == NF_OK);
        /* One dimension is normalised to nothing but rounding errors. */
        if (s.hidden > 8) compare(expected, to, tokens, s.hidden, nf_kernel_precision(k) ? 0.1 : 1e-4);
        REQUIRE(nf_encode(model, ids, tokens, borders, texts, (int32_t)between(NF_MEAN, NF_CLS),
                          pooled, texts * s.hidden, threads, message, sizeof message) == NF_OK);
        mistakes(model, &s, ids, borders, texts, to);
        flip_bits(panels, bytes);
        REQUIRE(nf_encode(model, ids, tokens, borders, texts, NF_MEAN, pooled, texts * s.hidden,
                          threads, message, sizeof message) == NF_OK);
        nf_model_free(model);
        free(panels);
    }
    for (int l = 0; l < 2; l++)
        for (size_t i = 0; i < sizeof(nf_layer_weights) / sizeof(float *); i++)
            free(((void **)(void *)&layers[l])[i]);
    free(words), free(positions), free((void *)w.token_type);
    free((void *)w.norm_weight), free((void *)w.norm_bias), free((void *)w.relative_bias);
    free(borders), free(ids), free(expected), free(out), free(pooled);
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    state = strtoull(arguments[2], NULL, 10);
    for (int32_t k = 0; k < nf_kernel_count(); k++)
        if (nf_kernel_usable(k)) REQUIRE(nf_kernel_check(k, message, sizeof message) == NF_OK);
    for (long round = strtol(arguments[1], NULL, 10); round > 0; round--) one_round();
    return 0;
}
