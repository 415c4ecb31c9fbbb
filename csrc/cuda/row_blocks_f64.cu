/* In one precision: it takes a while to compile. */
#define WITHOUT_F32
#include "cuda/row_blocks.h"
