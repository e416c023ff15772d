/* A row of a chunk, as it was read. */
#ifndef NFR_COLUMNS_H
#define NFR_COLUMNS_H

#include <stdbool.h>

#include "nearfield_rows.h"

typedef struct {
    const uint8_t *bytes; /* NULL: null */
    size_t size;
} text;

typedef struct {
    int64_t start, stop, page;
    bool has_page;
    text id, document, body, source, headings, metadata;
} columns;

/* Whether the row has this checksum, of 16 bytes. */
bool nfr_is_whole(const columns *c, const uint8_t *digest);

/* The chunk of a row; NULL where it is not plain, perhaps with an error of Python's. */
object *nfr_chunk(const nfr_python *p, const columns *c);

#endif
