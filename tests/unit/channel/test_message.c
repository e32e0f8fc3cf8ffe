/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_message.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

#define REST "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"

/* 0: it is whole. */
static uint16_t check(const char *head, size_t body_n, size_t *ret_n)
{
    struct phone_refusal r = {0};
    return phone_message_check(str_from(head), body_n, ret_n, &r) ? 0
                                                                  : r.status;
}

static void test_requests(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        uint16_t status;
    } rows[] = {
        {"INVITE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 INVITE\r\n\r\n", 0},
        {"INVITE sip:c@d SIP/2.0\r\n" REST "CSeq: 0009\r\n  INVITE\r\n\r\n", 0},
        {"INVITE sip:c@d SIP/2.0\r\n" REST "cSEQ  : 1 INVITE\r\n"
         "mAX-fORWARDS:\t0068\r\nl:\r\n 0\r\n\r\n",
         0},
        {"INVITE <sip:c@d> SIP/2.0\r\n" REST "CSeq: 1 INVITE\r\n\r\n", 400},
        {"INVITE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 BYE\r\n\r\n", 400},
        {"INVITE sip:c@d SIP/2.0\r\n" REST "CSeq: 1\r\n\r\n", 400},
        {"INVITE sip:c@d SIP/2.0\r\n" REST "CSeq: 2147483647 INVITE\r\n\r\n",
         0},
        {"INVITE sip:c@d SIP/2.0\r\n" REST "CSeq: 2147483648 INVITE\r\n\r\n",
         400},
        {"INVITE sip:c@d SIP/2.0\r\n" REST
         "CSeq: 36893488147419103232 INVITE\r\n\r\n",
         400},
        {"INVITE sip:c@d SIP/2.0\r\n" REST "CSeq: -1 INVITE\r\n\r\n", 400},
        {"BYE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 BYE\r\nCSeq: 2 BYE\r\n\r\n",
         400},
        {"BYE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 BYE\r\ni: y\r\n\r\n", 400},
        {"BYE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 BYE\r\nt: <sip:e@f>\r\n\r\n",
         400},
        {"BYE sip:c@d SIP/2.0\r\n" REST
         "CSeq: 1 BYE\r\nMax-Forwards: 300\r\n\r\n",
         400},
        {"BYE sip:c@d SIP/2.0\r\n" REST
         "CSeq: 1 BYE\r\nContent-Length: -999\r\n\r\n",
         400},
        {"BYE sip:c@d SIP/2.0\r\n" REST
         "CSeq: 1 BYE\r\nContent-Length: 11\r\n\r\n",
         400},
        {"BYE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 BYE\r\n"
         "Contact: \"Q \\\" q\" <sip:a@b>\r\n\r\n",
         0},
        {"BYE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 BYE\r\n"
         "m: \"Q q <sip:a@b>\r\n\r\n",
         400},
        {"BYE sip:c@d SIP/2.0\r\n" REST "CSeq: 1 BYE\r\nSubject: \"\r\n\r\n",
         0},
        {"", 0},
        {"\r\n", 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t n;
        uint16_t is = check(rows[i].head, 10, &n);
        if (is != rows[i].status)
            fail_msg("%u instead of %u:\n%s", is, rows[i].status, rows[i].head);
    }
}

static void test_body(void **state)
{
    (void)state;
    size_t n = 0;
    assert_int_equal(check("BYE sip:c@d SIP/2.0\r\nl: 7\r\n\r\n", 10, &n), 0);
    assert_int_equal(n, 7); /* the rest of the datagram is nobody's */
    assert_int_equal(check("BYE sip:c@d SIP/2.0\r\n\r\n", 10, &n), 0);
    assert_int_equal(n, 10);
}

static void test_sound_only(void **state)
{
    (void)state;
    static const char sdp[] = "v=0\r\na=sendrecv\r\nm=audio 4 RTP/AVP 0\r\n"
                              "a=ptime:20\r\nm=video 6 RTP/AVP 31\r\n"
                              "a=rtpmap:31 LPC\r\nm=audio 8 RTP/AVP 8\r\n"
                              "a=last";
    char is[sizeof(sdp)];
    size_t n = phone_message_sound_only(str_from(sdp), is);
    is[n] = '\0';
    assert_string_equal(is, "v=0\r\na=sendrecv\r\nm=audio 4 RTP/AVP 0\r\n"
                            "a=ptime:20\r\nm=video 6 RTP/AVP 31\r\n"
                            "m=audio 8 RTP/AVP 8\r\na=last");
    assert_int_equal(phone_message_sound_only((struct str){0}, is), 0);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        char key;
    } rows[] = {
        {"5", '5'},
        {" #\r\n", '#'},
        {"Signal=*\r\nDuration=160\r\n", '*'},
        {"Duration=160\nSignal= D \n", 'D'},
        {"Signal=\nSignal=7", '7'},
        {"", '\0'},
        {"12", '\0'},
        {"Signal=12\r\n", '\0'},
        {"Signal=x\r\n", '\0'},
        {"Duration=1\r\n", '\0'},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(phone_message_key(str_from(rows[i].body)),
                         rows[i].key);
    assert_int_equal(phone_message_key((struct str){"", 1}), '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_sound_only),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
