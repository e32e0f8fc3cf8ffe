"""The API beside its own description, by schemathesis: requests made from
openapi.json, good ones and bad ones, by every method.

    api.py OTKLIK [EXAMPLES]

No reply may be a server's error, or have a status, a content type or a shape
that openapi.json does not know; what breaks openapi.json must be refused, and
every key that is needed must be asked for. That a good request may be refused
all the same - a key that stands for another request, a ticket that is gone -
is no defect, so that is not looked at.
"""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "whole"))
from desk import Desk  # noqa: E402

CHECKS = ("not_a_server_error,status_code_conformance,"
          "content_type_conformance,response_schema_conformance,"
          "response_headers_conformance,negative_data_rejection,"
          "missing_required_header,unsupported_method,ignored_auth")
LIMITS = ("limits.key_per_minute=0", "limits.anonymous_per_minute=100000",
          "limits.sign_in_per_minute=10000", "log.level=error")
SCOPES = "requests tickets knowledge triage admin"


def main():
    program = os.path.abspath(sys.argv[1])
    examples = sys.argv[2] if len(sys.argv) > 2 else "15"
    with Desk(program, *LIMITS) as desk:
        key = desk.key(SCOPES)
        desk.start()
        p = subprocess.run(
            [pathlib.Path(sys.executable).parent / "schemathesis", "run",
             f"http://127.0.0.1:{desk.port}/api/v1/openapi.json",
             "-H", "Authorization: Bearer " + key, "--checks", CHECKS,
             "--phases", "examples,coverage,fuzzing", "--max-examples", examples,
             "--seed", "1", "--workers", "1", "--no-color",
             "--warnings", "off",
             # a stream of events does not end
             "--exclude-path", "/api/v1/events"],
            cwd=desk.top, capture_output=True, text=True, timeout=600)
    if p.returncode:
        sys.exit(p.stdout + p.stderr)
    print("the API does what openapi.json says:",
          next(x.strip() for x in p.stdout.splitlines() if "generated" in x))


main()
