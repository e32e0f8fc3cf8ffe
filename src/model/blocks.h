/*
 * model/blocks.h - weights in blocks of a few bits, as GGML has them
 *
 * 32 values share a scale in f16 (d), some also a smallest value (m):
 *   Q4_0  d, 16 bytes            (q - 8)·d
 *   Q4_1  d, m, 16 bytes         q·d + m
 *   Q5_0  d, 4 bytes, 16 bytes   (q - 16)·d, the fifth bits in the 4 bytes
 *   Q5_1  d, m, 4 bytes, 16      q·d + m
 *   Q8_0  d, 32 bytes            q·d, q with a sign
 * Byte j of the 16 has value j in its lower half and value j + 16 in its upper
 * one (ggml-common.h and ggml-quants.c of github.com/ggml-org/ggml).
 */
#ifndef OTK_MODEL_BLOCKS_H
#define OTK_MODEL_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

enum { BLOCK_VALUES = 32 };

/* `n` values, whole blocks, that lie at `p`, not aligned. Whether all are
 * finite. */
bool blocks_q4_0(const char *p, size_t n, float *ret);
bool blocks_q4_1(const char *p, size_t n, float *ret);
bool blocks_q5_0(const char *p, size_t n, float *ret);
bool blocks_q5_1(const char *p, size_t n, float *ret);
bool blocks_q8_0(const char *p, size_t n, float *ret);

#endif
