"""Requests as they should not be, and some that only look so: our own examples
of what RFC 4475 warns of, and what is to become of each."""

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
       "t=0 0\r\nm=audio 40000 RTP/AVP 0 12\r\nm=video 40002 RTP/AVP 31\r\n"
       "a=rtpmap:31 H261\r\n")
DROPPED = None


def message(own, i, method="INVITE", uri="sip:support@127.0.0.1", body=SDP,
            version="SIP/2.0", transport="UDP", length=None, **headers):
    """`headers`: in place of ours; None leaves it out. Underscores are '-'."""
    lines = {
        "Via": f"SIP/2.0/{transport} {own};rport;branch=z9hG4bKtorture{i}",
        "From": f"<sip:caller@{own}>;tag=t{i}",
        "To": "<sip:support@127.0.0.1>", "Call-ID": f"torture{i}@{own}",
        "CSeq": f"1 {method}", "Contact": f"<sip:caller@{own}>",
        "Max-Forwards": "70", "Content-Type": "application/sdp" if body else None,
        "Content-Length": str(len(body.encode())) if length is None else length}
    lines.update({k.replace("_", "-"): v and v.replace("{own}", own)
                  for k, v in headers.items()})
    return (f"{method} {uri} {version}\r\n" + "".join(
        f"{k}: {v}\r\n" for k, v in lines.items() if v is not None) +
        "\r\n" + body).encode()


# name, what differs, the answer; the sections are those of RFC 4475
REQUESTS = [
    # 3.1.1: they are valid
    ("white space and folds", {"CSeq": "0009\r\n   INVITE",
                               "Max_Forwards": " 0068",
                               "To": "\r\n <sip:support@127.0.0.1>",
                               "s": "", "NewHeader": "a\r\n b"}, 200),
    ("unusual characters", {"method": "!odd-Method_*+`.%really'~", "body": "",
                            "uri": "sip:1_un.usual~(it's)&so+$/?,/;;*:pw@x.test",
                            "To": '"BEL:\\\x07 DEL:\\\x7f" <sip:a~(b)@x.test>'},
     405),
    ("escapes", {"uri": "sip:sips%3Auser%40a.test@127.0.0.1",
                 "Contact": "<sip:cal%6Cer@127.0.0.1;%6C%72;n%61me=v%61lue>"},
     200),
    ("long headers", {"From": '"' + "long" * 100 + '" <sip:' + "caller" * 50 +
                      "@127.0.0.1>;tag=" + "9" * 200,
                      "Unknown-" + "Long" * 50: "value" * 100}, 200),
    ("no body where there may be one", {"body": "", "length": "0"}, 200),
    ("bytes after the body", {"body": SDP + "INVITE more", "length":
                              str(len(SDP))}, 200),
    ("a static type without a name", {}, 200),
    ("pictures without sense", {"body": SDP + "a=rtpmap:31 LPC\r\n"}, 200),
    # 3.1.2: they are not
    ("extra separators", {"Via": "SIP/2.0/UDP 127.0.0.1;;,;,,",
                          "Contact": '"Joe" <sip:joe@x.test>;;;;'}, DROPPED),
    ("the body is cut off", {"length": "9999"}, 400),
    ("a negative length", {"length": "-999"}, 400),
    ("numbers too large", {"CSeq": "36893488147419103232 INVITE"}, 400),
    ("quotes do not close", {"To": '"Mr. J <sip:support@127.0.0.1>'}, 400),
    ("brackets about the URI", {"uri": "<sip:support@127.0.0.1>"}, 400),
    ("spaces in the URI", {"uri": "sip:sup port@127.0.0.1"}, DROPPED),
    ("another method in CSeq", {"CSeq": "1 OPTIONS"}, 400),
    ("version 7", {"version": "SIP/7.0"}, 505),
    ("version 7, and it is an ACK", {"version": "SIP/7.0", "method": "ACK",
                                     "body": ""}, DROPPED),
    ("version 7 of a method that is none", {"version": "SIP/7.0", "body": "",
                                            "method": "FOO"}, 505),
    # as RFC 2543 had it
    ("no branch", {"Via": "SIP/2.0/UDP {own}"}, 200),
    ("no branch, two Vias", {"v": "SIP/2.0/UDP {own};hidden, SIP/2.0/TCP x.test",
                             "Via": None}, 200),
    ("no branch, version 1", {"Via": "SIP/2.0/UDP {own}", "version": "SIP/1.0"},
     505),
    # 3.3: they are valid and unwanted
    ("no Call-ID", {"Call_ID": None}, 400),
    ("a scheme of nobody", {"uri": "nobodyKnowsThisScheme:totallyopaque"}, 416),
    ("an extension of nobody", {"Require": "nothingSupportsThis"}, 420),
    ("a body of another kind", {"Content_Type": "application/unknown"}, 415),
    ("headers twice", {"F": "<sip:other@127.0.0.1>;tag=2"}, 400),
    ("an unknown dialog", {"To": "<sip:support@127.0.0.1>;tag=none"}, 481),
]
