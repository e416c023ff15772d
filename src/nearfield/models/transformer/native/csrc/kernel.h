/* Ends a kernel's translation unit: the encoder on its products, under its name. */
#include "encoder.h"

#define DEFINE_KERNEL(symbol, title, class, named, test)                                      \
    const kernel symbol = {                                                                   \
        .name = title, .precision = class, .only_by_name = named, .element = sizeof(element), \
        .rows = ROWS, .usable = test, .thread_begin = thread_begin, .thread_end = thread_end, \
        .pack = pack, .encode = encode,                                                       \
    };
