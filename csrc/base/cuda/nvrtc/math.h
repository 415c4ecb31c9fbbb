/* See stdint.h: what is used of it is built in. */
