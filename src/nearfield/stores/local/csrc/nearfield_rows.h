/* The interface of the library: rows of chunks, gathered by SQLite to one JSON text, to objects.
 *
 * Unlike the other libraries it is called with Python's lock held and makes Python objects. It is not
 * linked with Python: the functions it needs come in a table, and all of them are of the stable ABI,
 * so one build serves every version. Whoever changes a structure or a function raises
 * NFR_ABI_VERSION here and ABI_VERSION in decoding.py.
 */
#ifndef NEARFIELD_ROWS_H
#define NEARFIELD_ROWS_H

#include <stddef.h>
#include <stdint.h>

#define NFR_ABI_VERSION 1

#if defined(_WIN32)
#define NFR_API __declspec(dllexport)
#else
#define NFR_API __attribute__((visibility("default")))
#endif

typedef struct object object; /* PyObject */

/* Functions of Python (https://docs.python.org/3/c-api/stable.html), and what they are called with. */
typedef struct {
    object *(*text)(const char *bytes, ptrdiff_t size, const char *errors); /* PyUnicode_DecodeUTF8 */
    object *(*number)(long long value);                  /* PyLong_FromLongLong */
    object *(*real)(object *text);                       /* PyFloat_FromString */
    object *(*list)(ptrdiff_t size);                     /* PyList_New */
    int (*list_set)(object *list, ptrdiff_t at, object *item); /* PyList_SetItem, takes the item */
    object *(*tuple)(ptrdiff_t size);                    /* PyTuple_New */
    int (*tuple_set)(object *tuple, ptrdiff_t at, object *item); /* PyTuple_SetItem, the same */
    object *(*dict)(void);                               /* PyDict_New */
    int (*dict_set)(object *dict, object *key, object *value); /* PyDict_SetItem */
    object *(*instance)(object *type, ptrdiff_t items);  /* PyType_GenericAlloc */
    int (*set)(object *instance, object *name, object *value); /* PyObject_GenericSetAttr */
    void (*keep)(object *any);                           /* Py_IncRef */
    void (*drop)(object *any);                           /* Py_DecRef */
    void (*clear)(void);                                 /* PyErr_Clear */
    object *none, *yes, *no;
    object *type;     /* Chunk */
    object *names[9]; /* of its fields, in order */
} nfr_python;

NFR_API int32_t nfr_abi_version(void);

/* Chunks of `count` rows whose vectors stand at `slots`, as a list; None where anything is not
 * plain and whole: Python then looks at it again and says what it is. */
NFR_API object *nfr_chunks(const nfr_python *python, const uint8_t *json, ptrdiff_t size,
                           const int64_t *rows, const int64_t *slots, ptrdiff_t count);

/* BLAKE2b of 16 bytes, for tests. */
NFR_API void nfr_digest(const uint8_t *data, size_t size, uint8_t digest[16]);

#endif
