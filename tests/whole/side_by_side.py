"""Tests that mostly wait for sound to go by, side by side."""
import concurrent.futures
import sys
import unittest

AT_ONCE = 12  # more would wait for each other's desks to start


def groups(alone, together):
    """Suites: a class of `together` shares what it sets up and is one, each
    test of a class of `alone` is another. Words of the command line choose."""
    def chosen(cls):
        return [c for c in unittest.defaultTestLoader.loadTestsFromTestCase(cls)
                if len(sys.argv) == 1 or any(w in c.id() for w in sys.argv[1:])]
    cases = [chosen(c) for c in together]
    cases += [[case] for c in alone for case in chosen(c)]
    return [unittest.TestSuite(c) for c in cases if c]


def run(suite):
    result = unittest.TestResult()
    suite.run(result)
    return result


def main(alone, together=()):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(run, groups(alone, together)))
    for r in results:
        for case, why in r.skipped:
            print(f"{case.id()}: skipped: {why}")
        for case, why in r.failures + r.errors:
            print(f"{case.id()}: failed\n{why}")
    n = sum(r.testsRun for r in results)
    bad = sum(not r.wasSuccessful() for r in results)
    print(f"{n} tests, {'failed' if bad else 'all passed'}")
    sys.exit(bool(bad or not n))
