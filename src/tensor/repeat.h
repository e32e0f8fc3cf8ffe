/*
 * tensor/repeat.h - code of tiles, a register a line
 *
 * Sums of a tile are named variables: gcc 12 keeps arrays of registers in
 * memory. ROWS_n(DO, c) is DO(r, c) for each of n rows, COLUMNS_n(DO, r) is
 * DO(r, c) for each of n registers of a row.
 */
#ifndef OTK_TENSOR_REPEAT_H
#define OTK_TENSOR_REPEAT_H

#define ROWS_1(DO, c) DO(0, c)
#define ROWS_2(DO, c) ROWS_1(DO, c) DO(1, c)
#define ROWS_3(DO, c) ROWS_2(DO, c) DO(2, c)
#define ROWS_4(DO, c) ROWS_3(DO, c) DO(3, c)
#define ROWS_5(DO, c) ROWS_4(DO, c) DO(4, c)
#define ROWS_6(DO, c) ROWS_5(DO, c) DO(5, c)
#define ROWS_7(DO, c) ROWS_6(DO, c) DO(6, c)
#define ROWS_8(DO, c) ROWS_7(DO, c) DO(7, c)

#define COLUMNS_2(DO, r)  DO(r, 0) DO(r, 1)
#define COLUMNS_3(DO, r)  COLUMNS_2(DO, r) DO(r, 2)
#define COLUMNS_4(DO, r)  COLUMNS_3(DO, r) DO(r, 3)
#define COLUMNS_6(DO, r)  COLUMNS_4(DO, r) DO(r, 4) DO(r, 5)
#define COLUMNS_8(DO, r)  COLUMNS_6(DO, r) DO(r, 6) DO(r, 7)
#define COLUMNS_12(DO, r) COLUMNS_8(DO, r) DO(r, 8) DO(r, 9) DO(r, 10) DO(r, 11)

#endif
