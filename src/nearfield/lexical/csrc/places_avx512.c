/* AVX-512 with bytes and words. */
#include "places.h"

DEFINE_PLACES(nfl_places_avx512)
