/* The library's interface, all that Python sees.
 *
 * Plain C types only, so that one build serves every Python version. Whoever changes a structure
 * or a function raises NF_ABI_VERSION here and ABI_VERSION in library.py. Functions that can fail
 * return a status and write a message; nothing a caller passes makes them crash except pointers
 * that are not what they say.
 */
#ifndef NEARFIELD_NATIVE_H
#define NEARFIELD_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#define NF_ABI_VERSION 2

#if defined(_WIN32)
#define NF_API __declspec(dllexport)
#else
#define NF_API __attribute__((visibility("default")))
#endif

enum nf_status { NF_OK = 0, NF_INVALID = 1, NF_OUT_OF_MEMORY = 2, NF_UNAVAILABLE = 3 };

enum nf_activation { NF_GELU = 0, NF_GELU_TANH = 1, NF_RELU = 2, NF_SILU = 3, NF_TANH = 4 };

enum nf_pooling { NF_TOKENS = 0, NF_MEAN = 1, NF_CLS = 2 };

enum nf_precision { NF_EXACT = 0, NF_FAST = 1 };

typedef struct {
    int64_t layers, hidden, heads, intermediate;
    int64_t vocabulary, positions;
    int64_t padding_id; /* where positions start behind it (RoBERTa, MPNet), else -1 */
    int64_t activation; /* enum nf_activation */
    int64_t relative;   /* 1 where scores get a bias by distance (MPNet), else 0 */
    double norm_epsilon;
} nf_shape;

/* Every matrix is (out, in), float32, row after row. */
typedef struct {
    const float *query_weight, *query_bias, *key_weight, *key_bias, *value_weight, *value_bias;
    const float *attended_weight, *attended_bias, *attended_norm_weight, *attended_norm_bias;
    const float *widen_weight, *widen_bias, *narrow_weight, *narrow_bias;
    const float *norm_weight, *norm_bias;
} nf_layer_weights;

typedef struct {
    const float *token_type;  /* (hidden), or NULL */
    const float *norm_weight, *norm_bias;
    const float *relative_bias; /* (heads, 2 positions - 1): bias of key - query + positions - 1 */
    const nf_layer_weights *layers;
} nf_weights;

typedef struct nf_model nf_model;

NF_API int32_t nf_abi_version(void);

/* Kernels, the preferred ones of each precision first. */
NF_API int32_t nf_kernel_count(void);
NF_API const char *nf_kernel_name(int32_t index);
NF_API int32_t nf_kernel_usable(int32_t index); /* whether this processor runs it */
NF_API int32_t nf_kernel_precision(int32_t index);
NF_API int32_t nf_kernel_only_by_name(int32_t index); /* never chosen by itself: for tests */

/* Encode a few texts with this kernel and with plain C, in a process of its own, so that even a
 * kernel that dies is found out. NF_OK where they agree; else the message says what happened. */
NF_API int32_t nf_kernel_check(int32_t index, char *message, size_t message_size);

/* All weights but the tables of words and positions, in the order that one kernel reads: bytes
 * without pointers, which may be written to a file and mapped by another process. */
NF_API int32_t nf_panels_bytes(const nf_shape *shape, const char *kernel, int64_t *bytes,
                               char *message, size_t message_size);
/* `panels` is zeroed memory of that size, on a cache line's border. */
NF_API int32_t nf_panels_fill(const nf_shape *shape, const nf_weights *weights, const char *kernel,
                              int32_t threads, void *panels, int64_t bytes, char *message,
                              size_t message_size);
/* Any two inputs that differ in one word of 8 bytes differ here. */
NF_API uint64_t nf_checksum(const void *data, int64_t bytes);

/* `words` (vocabulary, hidden), `positions` (positions, hidden) and `panels` are read where they
 * lie and must outlive the model. */
NF_API int32_t nf_model_new(const nf_shape *shape, const char *kernel, const float *words,
                            const float *positions, const void *panels, int64_t bytes,
                            nf_model **model, char *message, size_t message_size);
NF_API void nf_model_free(nf_model *model);

/* Encode packed texts: text i has the tokens ids[borders[i]] … ids[borders[i + 1] - 1].
 * `out` takes hidden states (tokens, hidden) or, pooled, (texts, hidden); `out_count` floats long. */
NF_API int32_t nf_encode(nf_model *model, const int64_t *ids, int64_t tokens,
                         const int64_t *borders, int64_t texts, int32_t pooling, float *out,
                         int64_t out_count, int32_t threads, char *message, size_t message_size);

#endif
