/* Ends a kernel's translation unit: the inner loops under its name. */
#ifndef NFA_LOOPS_H
#define NFA_LOOPS_H

#include "loops_codes.h"
#include "loops_exact.h"

#define DEFINE_KERNEL(symbol, title)                                                       \
    const nfa_kernel symbol = {                                                            \
        .name = title, .usable = usable, .rotate = rotate, .encode = encode,               \
        .estimate = estimate, .low_product = low_product,                                \
        .byte_product = byte_product, .products = products,                                \
        .square = square, .exact_dot = exact_dot, .exact_distance = exact_distance,        \
    };

#endif
