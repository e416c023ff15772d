/* The checksum of a row. */
#include <string.h>

#include "columns.h"
#include "digest.h"

static size_t characters(const text *t) {
    size_t count = 0;
    for (size_t i = 0; i < t->size; i++) count += (t->bytes[i] & 0xC0) != 0x80;
    return count;
}

static char *put_text(char *to, const char *what) {
    while (*what) *to++ = *what++;
    return to;
}

static char *put_number(char *to, int64_t value) {
    char digits[20];
    int count = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0) *to++ = '-';
    do digits[count++] = (char)('0' + left % 10);
    while (left /= 10);
    while (count) *to++ = digits[--count];
    return to;
}

/* What digest_of in rows.py computes. */
bool nfr_is_whole(const columns *c, const uint8_t *digest) {
    const text *const parts[6] = {&c->id, &c->document, &c->source, &c->headings, &c->metadata, &c->body};
    char head[256], *to = head;
    for (int i = 0; i < 6; i++) {
        to = put_text(to, i ? ", " : "[");
        to = put_number(to, (int64_t)characters(parts[i]));
    }
    to = put_number(put_text(to, "] "), c->start);
    to = put_number(put_text(to, " "), c->stop);
    to = put_text(to, " ");
    to = put_text(c->has_page ? put_number(to, c->page) : put_text(to, "None"), " ");
    const size_t size = (size_t)(to - head);
    nfr_hash hash;
    nfr_hash_begin(&hash);
    nfr_hash_add(&hash, head, size);
    for (int i = 0; i < 6; i++) nfr_hash_add(&hash, parts[i]->bytes, parts[i]->size);
    uint8_t found[16];
    nfr_hash_end(&hash, found);
    return memcmp(found, digest, sizeof found) == 0;
}
