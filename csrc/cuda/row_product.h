/* Products that blocks of threads take by themselves, beside others: of a few rows, and
   over the rows of a mini-batch.

   A thread, one of so many lanes, has some outputs in registers, ROWS x N of them, and
   every so-manyth term of their sums: its split. The splits are joined in their order, by
   way of the block's memory. Operands are read in strips of 16 bytes where they lie so
   (WHOLE), and number by number elsewhere. */
#ifndef FASTNN_ROW_PRODUCT_H
#define FASTNN_ROW_PRODUCT_H

#include "cuda/device.h"

enum { PRODUCT_ROWS = 4, STRIP_BYTES = 16, MOST_SPLITS = 16 };

/* Terms that a thread loads before it multiplies the first: it waits for them once. The
   last ones of a sum, of which there may be fewer, are taken by halves of it. */
enum { TERMS_AT_ONCE = 8, TERMS_AT_LAST = 4 };

template <typename T, int COUNT> struct alignas(STRIP_BYTES) numbers_t {
    T at[COUNT];
};

template <typename T> struct product_t {
    enum { N = STRIP_BYTES / sizeof(T) };
    /* Terms of PRODUCT_ROWS rows that are in the block's memory at once. */
    enum { TERMS = MAX_THREADS * N };
    typedef numbers_t<T, N> strip_t;
    typedef numbers_t<T, PRODUCT_ROWS> column_t; /* a number of each row */
    typedef T sums_t[PRODUCT_ROWS][N];
};

/* Numbers from a place on, of which so many exist, at least one; 0 beyond. There is no
   branch, which would part what is loaded together. */
template <bool WHOLE, int COUNT, typename T>
static __device__ __forceinline__ numbers_t<T, COUNT> numbers_at(const T *a,
                                                                 ptrdiff_t exist) {
    if constexpr (WHOLE) {
        return *(const numbers_t<T, COUNT> *)a;
    } else {
        numbers_t<T, COUNT> numbers;
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            T there = a[i < exist ? i : 0];
            numbers.at[i] = i < exist ? there : 0;
        }
        return numbers;
    }
}

/* Whether rows of so many numbers consist of whole strips. */
template <typename T>
static __device__ __forceinline__ bool is_whole(const T *a, ptrdiff_t lead,
                                                ptrdiff_t n) {
    return ((uint64_t)a | (uint64_t)(lead * (ptrdiff_t)sizeof(T))) % STRIP_BYTES == 0 &&
           n % PRODUCT_ROWS == 0;
}

/* write(lane, row, i, sum) for all outputs. All threads come here. In the block's memory the
   lanes of split s are turned by s, so that those of one lane, which are written side by
   side in product_by_rows, are in different banks of it, as are those of one split. */
template <typename T, typename WRITE>
static __device__ __forceinline__ void
join_splits(T *memory, const typename product_t<T>::sums_t &mine, int lane, int lanes,
            int split, int splits, WRITE write) {
    const int N = product_t<T>::N;
    __syncthreads(); /* memory is free */
    if (lane < lanes && split < splits) {
        T *own = memory + split * lanes + (lane + split) % lanes;
#pragma unroll
        for (int row = 0; row < PRODUCT_ROWS; row++)
#pragma unroll
            for (int i = 0; i < N; i++) own[(row * N + i) * MAX_THREADS] = mine[row][i];
    }
    __syncthreads();
    for (int output = THREAD; output < lanes * PRODUCT_ROWS * N; output += THREADS) {
        int which = output / lanes, of_lane = output - which * lanes, turned = of_lane;
        const T *parts = memory + which * MAX_THREADS;
        T sum = 0;
#pragma unroll 4
        for (int s = 0; s < splits; s++, parts += lanes) {
            sum += parts[turned];
            turned = turned + 1 < lanes ? turned + 1 : 0;
        }
        write(of_lane, which / N, which % N, sum);
    }
}

/* sums += left right' */
template <typename T>
static __device__ __forceinline__ void
add_products(typename product_t<T>::sums_t &sums,
             const typename product_t<T>::column_t &left,
             const typename product_t<T>::strip_t &right) {
#pragma unroll
    for (int row = 0; row < PRODUCT_ROWS; row++)
#pragma unroll
        for (int i = 0; i < product_t<T>::N; i++)
            sums[row][i] += left.at[row] * right.at[i];
}

/* The same numbers, or zeros. */
template <typename T>
static __device__ __forceinline__ numbers_t<T, PRODUCT_ROWS>
if_exist(bool exist, numbers_t<T, PRODUCT_ROWS> numbers) {
#pragma unroll
    for (int i = 0; i < PRODUCT_ROWS; i++) numbers.at[i] = exist ? numbers.at[i] : 0;
    return numbers;
}

/* So many terms of some rows of a, of which so many exist, beside one another in the
   block's memory, with zeros up to a whole strip. */
template <typename T>
static __device__ __forceinline__ void stage(typename product_t<T>::column_t *memory,
                                             const T *a, ptrdiff_t lead, ptrdiff_t rows,
                                             int terms) {
    const int N = product_t<T>::N;
    int end = (terms + N - 1) / N * N;
    __syncthreads(); /* memory is free */
    for (int begin = THREAD; begin < end; begin += THREADS * N) {
        typename product_t<T>::column_t columns[N];
#pragma unroll
        for (int i = 0; i < N; i++) {
            int p = begin + i * THREADS, there = p < terms ? p : terms - 1;
#pragma unroll
            for (int row = 0; row < PRODUCT_ROWS; row++)
                columns[i].at[row] = a[(row < rows ? row : 0) * lead + there];
            columns[i] = if_exist(p < terms, columns[i]);
        }
#pragma unroll
        for (int i = 0; i < N; i++)
            if (begin + i * THREADS < end) memory[begin + i * THREADS] = columns[i];
    }
    __syncthreads();
}

/* sums += the terms p, p + splits, ... that are loaded at once: of some rows, staged, and
   of b, from a row of which so many numbers exist. TERMS_AT_ONCE of them are all there. */
template <bool WHOLE, int COUNT, typename T>
static __device__ __forceinline__ void
add_terms_at(typename product_t<T>::sums_t &sums,
             const typename product_t<T>::column_t *staged, const T *b,
             ptrdiff_t b_lead, ptrdiff_t exist, int p, int splits, int terms) {
    const int N = product_t<T>::N;
    typename product_t<T>::strip_t right[COUNT];
#pragma unroll
    for (int u = 0; u < COUNT; u++) {
        int there = COUNT == TERMS_AT_ONCE || p + u * splits < terms ? p + u * splits
                                                                     : terms - 1;
        right[u] = numbers_at<WHOLE, N>(b + there * b_lead, exist);
    }
#pragma unroll
    for (int u = 0; u < COUNT; u++) {
        bool exists = COUNT == TERMS_AT_ONCE || p + u * splits < terms;
        add_products<T>(sums,
                        if_exist(exists, staged[exists ? p + u * splits : terms - 1]),
                        right[u]);
    }
}

/* c (m x n) = a (m x k) @ b (k x n). Lanes have columns side by side. */
template <bool WHOLE, typename T>
static __device__ __forceinline__ void
product_by_columns(T *memory, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const T *a,
                   ptrdiff_t a_lead, const T *b, ptrdiff_t b_lead, T *c,
                   ptrdiff_t c_lead) {
    typedef product_t<T> product;
    const int N = product::N;
    typename product::column_t *staged = (typename product::column_t *)memory;
    for (ptrdiff_t column = 0; column < n; column += THREADS * N) {
        ptrdiff_t strips = (n - column + N - 1) / N;
        int lanes = strips < THREADS ? (int)strips : THREADS;
        int splits = THREADS / lanes < MOST_SPLITS ? THREADS / lanes : MOST_SPLITS;
        int split = THREAD / lanes, lane = THREAD - split * lanes;
        ptrdiff_t at = column + lane * N;
        for (ptrdiff_t row = 0; row < m; row += PRODUCT_ROWS) {
            typename product::sums_t sums = {};
            for (ptrdiff_t first = 0; first < k; first += product::TERMS) {
                int terms =
                    k - first < product::TERMS ? (int)(k - first) : product::TERMS;
                stage(staged, a + row * a_lead + first, a_lead, m - row, terms);
                const T *own = b + first * b_lead + at;
                int p = split < splits ? split : terms;
                for (; p + splits * (TERMS_AT_ONCE - 1) < terms;
                     p += splits * TERMS_AT_ONCE)
                    add_terms_at<WHOLE, TERMS_AT_ONCE>(sums, staged, own, b_lead,
                                                       n - at, p, splits, terms);
                for (; p < terms; p += splits * TERMS_AT_LAST)
                    add_terms_at<WHOLE, TERMS_AT_LAST>(sums, staged, own, b_lead,
                                                       n - at, p, splits, terms);
            }
            join_splits(memory, sums, lane, lanes, split, splits,
                        [=](int of_lane, int r, int i, T sum) {
                            ptrdiff_t j = column + of_lane * N + i;
                            if (row + r < m && j < n) c[(row + r) * c_lead + j] = sum;
                        });
        }
    }
}

/* c (m x n) = a (m x k) @ b' with b (n x k). Splits are side by side along its rows, and
   so are lanes, each of which has every so-manyth one. */
template <bool WHOLE, typename T>
static __device__ __forceinline__ void
product_by_rows(T *memory, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const T *a,
                ptrdiff_t a_lead, const T *b, ptrdiff_t b_lead, T *c,
                ptrdiff_t c_lead) {
    typedef product_t<T> product;
    const int N = product::N;
    typename product::column_t *staged = (typename product::column_t *)memory;
    ptrdiff_t strips = (k + N - 1) / N;
    int splits = strips < MOST_SPLITS ? (int)strips : MOST_SPLITS;
    splits = splits < THREADS ? splits : THREADS;
    int lanes = THREADS / splits, lane = THREAD / splits;
    int split = THREAD - lane * splits;
    for (ptrdiff_t column = 0; column < n; column += lanes * N) {
        const T *rows[N]; /* of b; the last one again where there are no more */
#pragma unroll
        for (int i = 0; i < N; i++) {
            ptrdiff_t j = column + lane + i * lanes;
            rows[i] = b + (j < n ? j : n - 1) * b_lead;
        }
        for (ptrdiff_t row = 0; row < m; row += PRODUCT_ROWS) {
            typename product::sums_t sums = {};
            for (ptrdiff_t first = 0; first < k; first += product::TERMS) {
                int terms =
                    k - first < product::TERMS ? (int)(k - first) : product::TERMS;
                stage(staged, a + row * a_lead + first, a_lead, m - row, terms);
                int end = lane < lanes ? terms : 0;
                for (int p = split * N; p < end; p += splits * N) {
                    typename product::strip_t right[N];
#pragma unroll
                    for (int i = 0; i < N; i++)
                        right[i] =
                            numbers_at<WHOLE, N>(rows[i] + first + p, k - first - p);
#pragma unroll
                    for (int u = 0; u < N; u++) {
                        typename product::strip_t term;
#pragma unroll
                        for (int i = 0; i < N; i++) term.at[i] = right[i].at[u];
                        add_products<T>(sums, staged[p + u], term);
                    }
                }
            }
            join_splits(memory, sums, lane, lanes, split, splits,
                        [=](int of_lane, int r, int i, T sum) {
                            ptrdiff_t j = column + of_lane + i * lanes;
                            if (row + r < m && j < n) c[(row + r) * c_lead + j] = sum;
                        });
        }
    }
}

/* sums += the terms p, p + splits, ... that are loaded at once: rows of a and b, of which
   so many numbers exist. Of TERMS_AT_ONCE all are there. */
template <bool WHOLE, int COUNT, typename T>
static __device__ __forceinline__ void
add_outer_at(typename product_t<T>::sums_t &sums, const T *a, ptrdiff_t a_lead,
             ptrdiff_t a_exist, const T *b, ptrdiff_t b_lead, ptrdiff_t b_exist,
             ptrdiff_t p, int splits, ptrdiff_t terms) {
    typename product_t<T>::column_t left[COUNT];
    typename product_t<T>::strip_t right[COUNT];
#pragma unroll
    for (int u = 0; u < COUNT; u++) {
        bool exists = COUNT == TERMS_AT_ONCE || p + u * splits < terms;
        ptrdiff_t there = exists ? p + u * splits : terms - 1;
        left[u] = numbers_at<WHOLE, PRODUCT_ROWS>(a + there * a_lead, a_exist);
        right[u] = numbers_at<WHOLE, product_t<T>::N>(b + there * b_lead, b_exist);
    }
#pragma unroll
    for (int u = 0; u < COUNT; u++)
        add_products<T>(
            sums, if_exist(COUNT == TERMS_AT_ONCE || p + u * splits < terms, left[u]),
            right[u]);
}

/* c (m x n) = [c +] a' @ b, for a (k x m) and b (k x n), in tiles of so many threads'
   outputs, which are shared out. */
template <bool WHOLE, typename T>
static __device__ __forceinline__ void
product_by_tiles(T *memory, ptrdiff_t share, ptrdiff_t shares, ptrdiff_t m, ptrdiff_t n,
                 ptrdiff_t k, const T *a, ptrdiff_t a_lead, const T *b,
                 ptrdiff_t b_lead, ptrdiff_t accumulate, T *c, ptrdiff_t c_lead,
                 int down, int across) {
    typedef product_t<T> product;
    const int N = product::N;
    int lanes = down * across, splits = THREADS / lanes;
    int split = THREAD / lanes, lane = THREAD - split * lanes;
    ptrdiff_t high = down * PRODUCT_ROWS, wide = across * N;
    ptrdiff_t in_a_row = (n + wide - 1) / wide;
    ptrdiff_t tiles = (m + high - 1) / high * in_a_row;
    for (ptrdiff_t tile = share; tile < tiles; tile += shares) {
        ptrdiff_t above = tile / in_a_row;
        ptrdiff_t top = above * high, left = (tile - above * in_a_row) * wide;
        ptrdiff_t row = top + lane / across * PRODUCT_ROWS;
        ptrdiff_t column = left + lane % across * N;
        typename product::sums_t sums = {};
        ptrdiff_t p = row < m && column < n ? split : k;
        for (; p + splits * (TERMS_AT_ONCE - 1) < k; p += splits * TERMS_AT_ONCE)
            add_outer_at<WHOLE, TERMS_AT_ONCE>(sums, a + row, a_lead, m - row,
                                               b + column, b_lead, n - column, p,
                                               splits, k);
        for (; p < k; p += splits * TERMS_AT_LAST)
            add_outer_at<WHOLE, TERMS_AT_LAST>(sums, a + row, a_lead, m - row,
                                               b + column, b_lead, n - column, p,
                                               splits, k);
        join_splits(memory, sums, lane, lanes, split, splits,
                    [=](int of_lane, int r, int i, T sum) {
                        ptrdiff_t y = top + of_lane / across * PRODUCT_ROWS + r;
                        ptrdiff_t x = left + of_lane % across * N + i;
                        if (y >= m || x >= n) return;
                        T *to = c + y * c_lead + x;
                        *to = accumulate ? *to + sum : sum;
                    });
    }
}

#endif
