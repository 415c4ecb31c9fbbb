/* Rows of tables that a step has come to, and their gradients. */
#ifndef FASTNN_ROWS_H
#define FASTNN_ROWS_H

#include "base/compiler.h"

typedef struct {
    ptrdiff_t place;      /* of its first number in the flat buffer of parameters */
    const void *gradient; /* of one use of it */
} row_t;

/* Sorts rows by their places; those of one place stay in their order. other: room for as
   many. Returns the one of the two that they are in then. */
row_t *sort_rows(ptrdiff_t n, row_t *rows, row_t *other);

/* Asks for memory that will be read soon. */
static inline void prefetch_row(const void *row, size_t bytes) {
    enum { CACHE_LINE = 64 };
    for (size_t at = 0; at < bytes; at += CACHE_LINE) PREFETCH((const char *)row + at);
}

#endif
