/* The interface of the library: rows of chunks, read from SQLite, to objects.
 *
 * Unlike the other libraries it is called with Python's lock held and makes Python objects; while it
 * reads rows it gives the lock away, once for all of them. It is linked neither with Python nor with
 * SQLite: the functions it needs come in tables. Python's are of the stable ABI, so one build serves
 * every version. Whoever changes a structure or a function raises NFR_ABI_VERSION here and
 * ABI_VERSION in library.py.
 */
#ifndef NEARFIELD_ROWS_H
#define NEARFIELD_ROWS_H

#include <stddef.h>
#include <stdint.h>

#define NFR_ABI_VERSION 2

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
    object *(*spelt)(object *text);                      /* PyFloat_FromString */
    object *(*real)(double value);                       /* PyFloat_FromDouble */
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
    void *(*unlock)(void);                               /* PyEval_SaveThread */
    void (*lock)(void *thread);                          /* PyEval_RestoreThread */
    object *none, *yes, *no;
    object *chunk;          /* the type Chunk */
    object *chunk_names[9]; /* of its fields, in order */
    object *hit;            /* the type Hit */
    object *hit_names[6];
} nfr_python;

/* Functions of the SQLite that Python uses (https://sqlite.org/c3ref/funclist.html). */
typedef struct {
    int (*open)(const char *name, void **database, int flags, const char *system); /* _open_v2 */
    int (*close)(void *database);                        /* _close_v2 */
    int (*wait)(void *database, int milliseconds);       /* _busy_timeout */
    int (*run)(void *database, const char *sql, void *, void *, void *); /* _exec */
    int (*prepare)(void *database, const char *sql, int size, void **statement, void *); /* _prepare_v2 */
    int (*finalize)(void *statement);
    int (*step)(void *statement);
    int (*reset)(void *statement);
    int (*bind)(void *statement, int at, int64_t value); /* _bind_int64 */
    int (*type)(void *statement, int column);            /* _column_type */
    int64_t (*whole)(void *statement, int column);       /* _column_int64 */
    const void *(*blob)(void *statement, int column);    /* _column_blob */
    const uint8_t *(*text)(void *statement, int column); /* _column_text */
    int (*bytes)(void *statement, int column);           /* _column_bytes */
} nfr_sqlite;

/* A connection that reads, for one thread at a time. */
typedef struct nfr_reader nfr_reader;

NFR_API int32_t nfr_abi_version(void);

/* Open a database (a URI) that holds a collection (16 bytes). `sequence` selects the number of the
 * state, `row` the columns of one row by its number: slot, id, document or null, text, start, stop,
 * source or null, headings, page or null, metadata, digest. NULL where anything fails. */
NFR_API nfr_reader *nfr_open(const nfr_sqlite *sqlite, const char *uri, const char *settings,
                             const uint8_t collection[16], const char *sequence, const char *row);

NFR_API void nfr_close(nfr_reader *reader);

/* Chunks of `count` rows whose vectors stand at `slots`, as a list; with scores a list of hits.
 * False where the newest state is not the one of that number; None where anything is not plain and
 * whole: Python then looks at it again and says what it is. */
NFR_API object *nfr_fetch(const nfr_python *python, nfr_reader *reader, int64_t sequence,
                          const int64_t *rows, const int64_t *slots, ptrdiff_t count,
                          const float *scores, object *path);

/* BLAKE2b of 16 bytes, for tests. */
NFR_API void nfr_digest(const uint8_t *data, size_t size, uint8_t digest[16]);

#endif
