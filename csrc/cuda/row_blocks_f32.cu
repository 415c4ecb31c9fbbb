/* In one precision: it takes a while to compile. */
#define WITHOUT_F64
#include "cuda/row_blocks.h"
