/* Any processor. */
#include "loops.h"

static int usable(void) { return 1; }

DEFINE_KERNEL(nfa_kernel_plain, "plain")
