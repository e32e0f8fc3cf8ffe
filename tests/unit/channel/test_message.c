/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_message.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
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

#define WITH(line, via)                                                        \
    line "\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: x\r\n" via                     \
         "\r\nCSeq: 7 INVITE\r\n\r\nbody: Via: no\r\n"
#define GOOD "SIP/2.0/UDP h:5060;rport;branch=z9hG4bKx"

/* NULL: it is left as it is. */
static void check_mended(const char *datagram, bool foreign, const char *want)
{
    struct buf b = BUF_INIT(1 << 16);
    bool is_foreign = false;
    bool mended = phone_message_mend(str_from(datagram), &b, &is_foreign);
    if (mended != (want != NULL) || is_foreign != foreign ||
        strcmp(b.ptr, want ? want : "") != 0)
        fail_msg("%s\nbecame\n%s", datagram, b.ptr);
    buf_free(&b);
}

static void test_other_versions(void **state)
{
    (void)state;
    const char *want = WITH("INVITE sip:c@d SIP/2.0", "Via: " GOOD);
    check_mended(want, false, NULL);
    check_mended(WITH("INVITE sip:c@d SIP/7.0", "Via: " GOOD), true, want);
    check_mended(WITH("INVITE sip:c@d sip/12.34", "Via: " GOOD), true, want);
    check_mended(WITH("INVITE sip:c@d SIP/1.0", "Via: " GOOD), true, want);
    check_mended(WITH("INVITE sip:c@d sip/2.0", "Via: " GOOD), false, NULL);
    check_mended(WITH("INVITE sip:c@d SIP/7", "Via: " GOOD), false, NULL);
    check_mended(WITH("INVITE sip:c@d SIP/7.x", "Via: " GOOD), false, NULL);
    check_mended(WITH("INVITE sip:c@d SIP/7.0 x", "Via: " GOOD), false, NULL);
    check_mended(WITH("INVITE sip:c@d HTTP/1.1", "Via: " GOOD), false, NULL);
    check_mended(WITH("INVITE sip:c d SIP/7.0", "Via: " GOOD), false, NULL);
    check_mended(WITH("SIP/7.0 200 SIP/7.0", "Via: " GOOD), false, NULL);
    check_mended("", false, NULL);
    check_mended("\r\n\r\n", false, NULL);
    check_mended("INVITE sip:c@d SIP/7.0\r\n", true,
                 "INVITE sip:c@d SIP/2.0\r\n");
}

/* The branch that such a request gets, of which `ret` has room for. */
static void branch_of(const char *datagram, char ret[64])
{
    struct buf b = BUF_INIT(1 << 16);
    bool is_foreign = false;
    assert_true(phone_message_mend(str_from(datagram), &b, &is_foreign));
    assert_false(is_foreign);
    assert_int_equal(
        sscanf(strstr(b.ptr, ";branch=z9hG4bK"), ";branch=%63[^;, \r]", ret),
        1);
    buf_free(&b);
}

static void test_no_branch(void **state)
{
    (void)state;
    static const char *const have_one[] = {
        "Via: SIP/2.0/UDP h;branch=1",
        "v: SIP/2.0/UDP h;rport;Branch = z9hG4bK1",
        "Via: SIP/2.0/UDP h;branch",
        /* and these are broken */
        "Via: SIP/2.0/UDP h;;,;,,",
        "Via: SIP/2.0/UDP h;",
        "Via: SIP/2.0/UDP h;x=\"a;b\"",
        "Via:",
        "Subject: no Via",
    };
    static const char line[] = "INVITE sip:c@d SIP/2.0";
    char text[500], one[64], two[64];
    for (size_t i = 0; i < ROWS(have_one); i++) {
        (void)snprintf(text, sizeof(text), "%s\r\n%s\r\n\r\n", line,
                       have_one[i]);
        check_mended(text, false, NULL);
    }
    /* it stands at the end of the first value, and all else is as it was */
    branch_of(
        WITH("INVITE sip:c@d SIP/2.0", "v : SIP/2.0/UDP h ,SIP/2.0/TCP i"),
        one);
    (void)snprintf(text, sizeof(text),
                   "INVITE sip:c@d SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\n"
                   "Call-ID: x\r\nv : SIP/2.0/UDP h;branch=%s ,SIP/2.0/TCP i"
                   "\r\nCSeq: 7 INVITE\r\n\r\nbody: Via: no\r\n",
                   one);
    check_mended(
        WITH("INVITE sip:c@d SIP/2.0", "v : SIP/2.0/UDP h ,SIP/2.0/TCP i"),
        false, text);
    check_mended(text, false, NULL);
    /* the same of a transaction, another of another */
    branch_of(WITH("INVITE sip:c@d SIP/2.0", "Via: SIP/2.0/UDP h;rport"), one);
    branch_of("CANCEL sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h;rport\r\n"
              "CSeq: 7 CANCEL\r\nf: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=9\r\n"
              "i: x\r\n\r\n",
              two);
    assert_string_equal(one, two);
    branch_of(WITH("INVITE sip:e@d SIP/2.0", "Via: SIP/2.0/UDP h;rport"), two);
    assert_string_not_equal(one, two);
    branch_of(WITH("INVITE sip:c@d SIP/2.0", "Via: SIP/2.0/UDP i;rport"), two);
    assert_string_not_equal(one, two);
    /* both at once */
    struct buf b = BUF_INIT(1 << 16);
    bool is_foreign = false;
    assert_true(phone_message_mend(
        STR("BYE a SIP/3.0\r\nVia: SIP/2.0/UDP h\r\n\r\n"), &b, &is_foreign));
    assert_true(is_foreign);
    assert_true(str_starts(buf_str(&b), "BYE a SIP/2.0\r\nVia: SIP/2.0/UDP "
                                        "h;branch=z9hG4bK2543"));
    buf_free(&b);
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
        cmocka_unit_test(test_requests),       cmocka_unit_test(test_body),
        cmocka_unit_test(test_other_versions), cmocka_unit_test(test_no_branch),
        cmocka_unit_test(test_sound_only),     cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
