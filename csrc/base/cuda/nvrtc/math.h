/* See stdint.h: what is used of it is built in, but for one name. */
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
