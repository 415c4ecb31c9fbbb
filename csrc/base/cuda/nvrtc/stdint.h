/* NVRTC compiles for the GPU without the headers of a C library: these stand in for what
   the shared headers ask for. */
#ifndef FASTNN_NVRTC_STDINT_H
#define FASTNN_NVRTC_STDINT_H

typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;

#endif
