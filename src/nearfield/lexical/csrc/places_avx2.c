/* AVX2: most x86 processors since 2013. */
#include "places.h"

DEFINE_PLACES(nfl_places_avx2)
