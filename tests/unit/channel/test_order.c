/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_order.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

/* What was put, as text: "5 7(1) " is 5, then 7 after one that was lost. */
struct seen {
    struct phone_order order;
    char text[512];
};

static void on_packet(void *arg, const struct order_packet *p, int lost)
{
    struct seen *s = arg;
    size_t n = strlen(s->text);
    assert_int_equal(p->n, 2);
    assert_int_equal(p->tick, (uint32_t)p->seq * 960);
    assert_memory_equal(p->bytes, &p->seq, 2);
    (void)snprintf(s->text + n, sizeof(s->text) - n, lost ? "%d(%d) " : "%d ",
                   p->seq, lost);
}

static const char *order(const int *seqs, size_t n, bool flush,
                         int64_t *ret_dropped)
{
    static struct seen s;
    s.text[0] = '\0';
    phone_order_init(&s.order, on_packet, &s);
    for (size_t i = 0; i < n; i++) {
        uint16_t seq = (uint16_t)seqs[i];
        phone_order_take(&s.order, seq, (uint32_t)seq * 960,
                         (const uint8_t *)&seq, 2);
    }
    if (flush)
        phone_order_flush(&s.order);
    *ret_dropped = s.order.dropped;
    phone_order_free(&s.order);
    return s.text;
}

static void test_orders(void **state)
{
    (void)state;
    static const struct {
        int seqs[16];
        size_t n;
        bool flush;
        const char *want;
        int dropped;
    } rows[] = {
        {{5, 6, 7}, 3, false, "5 6 7 ", 0},
        {{65534, 65535, 0, 1}, 4, false, "65534 65535 0 1 ", 0},
        {{65534, 0, 65535, 1}, 4, false, "65534 65535 0 1 ", 0},
        {{5, 7, 6, 8}, 4, false, "5 6 7 8 ", 0},
        {{5, 8, 7, 6}, 4, false, "5 6 7 8 ", 0},
        {{5, 7, 7, 5}, 4, true, "5 7(1) ", 2}, /* twice, and too late */
        {{5, 7, 8}, 3, false, "5 ", 0},        /* 6 may come yet */
        {{5, 7, 8}, 3, true, "5 7(1) 8 ", 0},
        /* one more than may wait */
        {{5, 7, 8, 9, 10, 11, 12, 13, 14, 15},
         10,
         false,
         "5 7(1) 8 9 10 11 12 13 14 15 ",
         0},
        /* the one that makes them too many is the earliest */
        {{5, 8, 9, 10, 11, 12, 13, 14, 15, 7},
         10,
         false,
         "5 7(1) 8 9 10 11 12 13 14 15 ",
         0},
        {{5, 7, 3000, 3001}, 4, false, "5 7(1) 3000 3001 ", 0}, /* anew */
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t dropped;
        assert_string_equal(
            order(rows[i].seqs, rows[i].n, rows[i].flush, &dropped),
            rows[i].want);
        assert_int_equal(dropped, rows[i].dropped);
    }
}

static void test_too_long(void **state)
{
    (void)state;
    static uint8_t bytes[ORDER_BYTES + 1];
    struct seen s = {.text = ""};
    phone_order_init(&s.order, on_packet, &s);
    phone_order_take(&s.order, 1, 960, bytes, sizeof(bytes));
    assert_int_equal(s.order.dropped, 1);
    assert_string_equal(s.text, "");
    phone_order_free(&s.order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
