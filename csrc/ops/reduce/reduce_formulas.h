/* What is done with one more number of those that are reduced to one; REAL and NAMED are
   set by who includes this. */

/* The maximum so far, and how many are as large: none where it is NaN, which has no
   equal. */
HOST_DEVICE void NAMED(meet_largest)(REAL x, int passes, REAL *y, REAL *count) {
    int wins = passes & ((x > *y) | (x != x));
    REAL equal = passes & (x == *y) ? *count + 1 : *count;
    *count = wins ? (REAL)(x == x) : equal;
    *y = wins ? x : *y;
}
