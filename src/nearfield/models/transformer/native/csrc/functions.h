/* exp, the activations: formulas over vectors, with the accuracy that each class needs. */
#ifndef NF_FUNCTIONS_H
#define NF_FUNCTIONS_H

#include "elements.h"

#define HORNER(t, p, c) v_fma(p, t, v_set(c))

/* eˣ for x ≤ 88; below -87.3 it stays at 10⁻³⁸. Within 2 units of the last place (coefficients
 * of Cephes' expf, S. Moshier): x = n ln 2 + r, eˣ = 2ⁿ eʳ. */
INLINE vec v_exp(vec x) {
    x = v_max(v_set(-87.3f), x); /* in this order NaN stays NaN */
    vec n = v_round(v_mul(x, v_set(1.44269504f)));
    vec r = v_fma(n, v_set(-0.693359375f), x); /* ln 2 in two parts keeps r exact */
    r = v_fma(n, v_set(2.12194440e-4f), r);
#if defined(NF_BFLOAT16)
    vec p = v_set(4.1665795894e-2f); /* 4·10⁻⁵, a hundredth of what bfloat16 resolves */
    p = HORNER(r, p, 1.6666665459e-1f);
#else
    vec p = v_set(1.9875691500e-4f);
    p = HORNER(r, p, 1.3981999507e-3f);
    p = HORNER(r, p, 8.3334519073e-3f);
    p = HORNER(r, p, 4.1665795894e-2f);
    p = HORNER(r, p, 1.6666665459e-1f);
#endif
    p = HORNER(r, p, 5.0000001201e-1f);
    p = v_fma(v_mul(r, r), p, v_add(r, v_set(1.0f)));
    return v_times_power_of_two(p, n);
}

/* 1 / (1 + e⁻ˣ) */
INLINE vec v_sigmoid(vec x) {
    vec bounded = v_max(v_set(-87.0f), v_min(v_set(87.0f), x));
    return v_div(v_set(1.0f), v_add(v_set(1.0f), v_exp(v_sub(v_set(0.0f), bounded))));
}

/* x Φ(x) with the normal distribution function Φ(x) = (1 + erf(x / √2)) / 2. */
INLINE vec v_gelu(vec x) {
#if defined(NF_BFLOAT16)
    /* erf(x / √2) as an odd polynomial: within 3·10⁻⁵, where bfloat16 resolves 4·10⁻³. */
    vec z = v_max(v_set(-4.2f), v_min(v_set(4.2f), x));
    vec t = v_mul(z, z);
    vec p = v_set(1.199592226e-10f);
    p = HORNER(t, p, -1.126648846e-08f);
    p = HORNER(t, p, 4.687307558e-07f);
    p = HORNER(t, p, -1.152148011e-05f);
    p = HORNER(t, p, 1.891483368e-04f);
    p = HORNER(t, p, -2.228294103e-03f);
    p = HORNER(t, p, 1.966025739e-02f);
    p = HORNER(t, p, -1.327207420e-01f);
    p = HORNER(t, p, 7.978148778e-01f);
    vec erf = v_mul(z, p);
#else
    /* erf(z) = z P(z²) / Q(z²), a fit of our own: within 2·10⁻⁸ before rounding; beyond 3.92
     * erf differs from 1 by less than half of float32's last place. */
    vec z = v_mul(x, v_set(0.70710678f));
    z = v_max(v_set(-3.92f), v_min(v_set(3.92f), z));
    vec t = v_mul(z, z);
    vec p = v_set(2.034729638e-06f), q = v_set(3.807050157e-05f);
    p = HORNER(t, p, 2.874778227e-04f);
    q = HORNER(t, q, 1.188105710e-03f);
    p = HORNER(t, p, 3.868295675e-03f);
    q = HORNER(t, q, 1.517223560e-02f);
    p = HORNER(t, p, 5.306038698e-02f);
    q = HORNER(t, q, 1.150843502e-01f);
    p = HORNER(t, p, 1.927634354e-01f);
    q = HORNER(t, q, 5.041638138e-01f);
    p = HORNER(t, p, 1.128379022e+00f);
    q = HORNER(t, q, 1.0f);
    vec erf = v_div(v_mul(z, p), q);
#endif
    vec half = v_mul(x, v_set(0.5f));
    return v_fma(half, erf, half);
}

/* x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, and (1 + tanh u) / 2 = sigmoid(2u). */
INLINE vec v_gelu_tanh(vec x) {
    vec cubic = v_fma(v_mul(v_mul(x, x), x), v_set(0.044715f), x);
    return v_mul(x, v_sigmoid(v_mul(cubic, v_set(1.5957691216f))));
}

INLINE vec v_relu(vec x) { return v_max(v_set(0.0f), x); }

INLINE vec v_silu(vec x) { return v_mul(x, v_sigmoid(x)); }

/* tanh x = 2 sigmoid(2x) - 1 */
INLINE vec v_tanh(vec x) {
    return v_fma(v_set(2.0f), v_sigmoid(v_mul(x, v_set(2.0f))), v_set(-1.0f));
}

#endif
