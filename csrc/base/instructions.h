/* The instruction sets that code of ours is compiled for, and which of them it uses. */
#ifndef FASTNN_INSTRUCTIONS_H
#define FASTNN_INSTRUCTIONS_H

/* Each includes those before it. */
enum { BASELINE, AVX2, AVX512, AVX512_BF16, AMX, N_INSTRUCTION_SETS };

extern const char *const instruction_sets[N_INSTRUCTION_SETS];

/* The last set that the environment variable FASTNN_INSTRUCTIONS allows, by its name: the
   last one of all where it is not set or empty, and -1 where it holds no name. It is read
   once. */
int instruction_limit(void);

/* What the row loops use of BASELINE, AVX2 and AVX512, by the processor and the limit. */
int instruction_level(void);

#endif
