/* tensor/product_bf16.h - a product whose sides are bf16, for tensor/product.c
 */
#ifndef OTK_TENSOR_PRODUCT_BF16_H
#define OTK_TENSOR_PRODUCT_BF16_H

struct product;
struct team;
struct workspace;

void product_bf16(struct team *t, struct workspace *space,
                  const struct product *p);

#endif
