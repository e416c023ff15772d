/* BLAKE2b without a key, 16 bytes long (RFC 7693). */
#ifndef NFR_DIGEST_H
#define NFR_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state[8], total;
    uint8_t held[128];
    size_t count;
} nfr_hash;

void nfr_hash_begin(nfr_hash *hash);
void nfr_hash_add(nfr_hash *hash, const void *data, size_t size);
void nfr_hash_end(nfr_hash *hash, uint8_t digest[16]);

#endif
