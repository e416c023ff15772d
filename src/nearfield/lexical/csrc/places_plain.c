/* Any processor. */
#include "places.h"

DEFINE_PLACES(nfl_places_plain)
