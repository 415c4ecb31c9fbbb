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

/* Numbers from a place on, of which so many exist; 0 beyond. */
template <bool WHOLE, int COUNT, typename T>
static __device__ __forceinline__ numbers_t<T, COUNT> numbers_at(const T *a,
                                                                 ptrdiff_t exist) {
    if constexpr (WHOLE) {
        return *(const numbers_t<T, COUNT> *)a;
    } else {
        numbers_t<T, COUNT> numbers;
#pragma unroll
        for (int i = 0; i < COUNT; i++) numbers.at[i] = i < exist ? a[i] : 0;
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

/* Where the sums of a thread are in the block's memory, so that those of one lane, and
   those of one split, are in different banks of it. */
static __device__ __forceinline__ int place_of_split(int split, int lane, int lanes) {
    int turned = lane + split % lanes;
    return split * lanes + (turned < lanes ? turned : turned - lanes);
}

/* write(lane, row, i, sum) for all outputs. All threads come here. */
template <typename T, typename WRITE>
static __device__ __forceinline__ void
join_splits(T *memory, const typename product_t<T>::sums_t &mine, int lane, int lanes,
            int split, int splits, WRITE write) {
    const int N = product_t<T>::N;
    __syncthreads(); /* memory is free */
    if (lane < lanes && split < splits) {
        int place = place_of_split(split, lane, lanes);
#pragma unroll
        for (int row = 0; row < PRODUCT_ROWS; row++)
#pragma unroll
            for (int i = 0; i < N; i++)
                memory[(row * N + i) * MAX_THREADS + place] = mine[row][i];
    }
    __syncthreads();
    for (int output = THREAD; output < lanes * PRODUCT_ROWS * N; output += THREADS) {
        int which = output / lanes, of_lane = output - which * lanes;
        T sum = 0;
#pragma unroll 4
        for (int s = 0; s < splits; s++)
            sum += memory[which * MAX_THREADS + place_of_split(s, of_lane, lanes)];
        write(of_lane, which / N, which % N, sum);
    }
    __syncthreads();
}

/* Terms first, ..., first + terms - 1 of some rows of a, of which so many exist, beside one
   another in the block's memory, with zeros up to a whole strip. */
template <typename T>
static __device__ __forceinline__ void stage(typename product_t<T>::column_t *memory,
                                             const T *a, ptrdiff_t lead, ptrdiff_t rows,
                                             int terms) {
    const int N = product_t<T>::N;
    int padded = (terms + N - 1) / N * N;
    __syncthreads(); /* memory is free */
#pragma unroll 4
    for (int p = THREAD; p < padded; p += THREADS) {
        typename product_t<T>::column_t column;
#pragma unroll
        for (int row = 0; row < PRODUCT_ROWS; row++)
            column.at[row] = row < rows && p < terms ? a[row * lead + p] : 0;
        memory[p] = column;
    }
    __syncthreads();
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
    for (ptrdiff_t column = 0; column < n; column += MAX_THREADS * N) {
        ptrdiff_t strips = (n - column + N - 1) / N;
        int lanes = strips < THREADS ? (int)strips : THREADS;
        int splits = THREADS / lanes < MOST_SPLITS ? THREADS / lanes : MOST_SPLITS;
        int split = THREAD / lanes, lane = THREAD - split * lanes;
        ptrdiff_t own = column + lane * N;
        for (ptrdiff_t row = 0; row < m; row += PRODUCT_ROWS) {
            typename product::sums_t sums = {};
            for (ptrdiff_t first = 0; first < k; first += product::TERMS) {
                int terms =
                    k - first < product::TERMS ? (int)(k - first) : product::TERMS;
                stage(staged, a + row * a_lead + first, a_lead, m - row, terms);
                int end = split < splits ? terms : 0;
#pragma unroll 8
                for (int p = split; p < end; p += splits) {
                    typename product::strip_t right =
                        numbers_at<WHOLE, N>(b + (first + p) * b_lead + own, n - own);
                    typename product::column_t left = staged[p];
#pragma unroll
                    for (int r = 0; r < PRODUCT_ROWS; r++)
#pragma unroll
                        for (int i = 0; i < N; i++)
                            sums[r][i] += left.at[r] * right.at[i];
                }
            }
            join_splits(memory, sums, lane, lanes, split, splits,
                        [=](int of_lane, int r, int i, T sum) {
                            ptrdiff_t j = column + of_lane * N + i;
                            if (row + r < m && j < n) c[(row + r) * c_lead + j] = sum;
                        });
        }
    }
}

/* c (m x n) = a (m x k) @ b' with b (n x k). Splits are side by side along its rows. */
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
        for (ptrdiff_t row = 0; row < m; row += PRODUCT_ROWS) {
            typename product::sums_t sums = {};
            for (ptrdiff_t first = 0; first < k; first += product::TERMS) {
                int terms =
                    k - first < product::TERMS ? (int)(k - first) : product::TERMS;
                stage(staged, a + row * a_lead + first, a_lead, m - row, terms);
                int end = lane < lanes ? terms : 0;
#pragma unroll 2
                for (int p = split * N; p < end; p += splits * N) {
                    typename product::strip_t right[N];
#pragma unroll
                    for (int i = 0; i < N; i++) {
                        /* Column by column of b, so that lanes are side by side. */
                        ptrdiff_t j = column + lane + i * lanes;
                        ptrdiff_t there = j < n ? j : n - 1;
                        right[i] = numbers_at<WHOLE, N>(b + there * b_lead + first + p,
                                                        k - first - p);
                    }
#pragma unroll
                    for (int u = 0; u < N; u++) {
                        typename product::column_t left = staged[p + u];
#pragma unroll
                        for (int r = 0; r < PRODUCT_ROWS; r++)
#pragma unroll
                            for (int i = 0; i < N; i++)
                                sums[r][i] += left.at[r] * right[i].at[u];
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

/* c (m x n) = [c +] a' (m x k) @ b (k x n), in tiles of down x across threads' outputs. */
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
    ptrdiff_t in_a_row = (n + wide - 1) / wide,
              tiles = (m + high - 1) / high * in_a_row;
    for (ptrdiff_t tile = share; tile < tiles; tile += shares) {
        ptrdiff_t above = tile / in_a_row;
        ptrdiff_t first_row = above * high,
                  first_column = (tile - above * in_a_row) * wide;
        ptrdiff_t row = first_row + lane / across * PRODUCT_ROWS;
        ptrdiff_t column = first_column + lane % across * N;
        typename product::sums_t sums = {};
        ptrdiff_t end = row < m && column < n ? k : 0;
#pragma unroll 4
        for (ptrdiff_t p = split; p < end; p += splits) {
            typename product::column_t left =
                numbers_at<WHOLE, PRODUCT_ROWS>(a + p * a_lead + row, m - row);
            typename product::strip_t right =
                numbers_at<WHOLE, N>(b + p * b_lead + column, n - column);
#pragma unroll
            for (int r = 0; r < PRODUCT_ROWS; r++)
#pragma unroll
                for (int i = 0; i < N; i++) sums[r][i] += left.at[r] * right.at[i];
        }
        join_splits(memory, sums, lane, lanes, split, splits,
                    [=](int of_lane, int r, int i, T sum) {
                        ptrdiff_t y = first_row + of_lane / across * PRODUCT_ROWS + r;
                        ptrdiff_t x = first_column + of_lane % across * N + i;
                        if (y >= m || x >= n) return;
                        T *to = c + y * c_lead + x;
                        *to = accumulate ? *to + sum : sum;
                    });
    }
}

#endif
