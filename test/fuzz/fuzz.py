#!/usr/bin/python3
"""Tries odd posteriors, parameters, settings, columns and arguments at random; prints what must not come.

usage: test/fuzz/fuzz.py KIND COUNT SEED     KIND: parameters, settings, columns, functions, posterior, binary

Must not come: a lost connection, an error of class XX, a density that is NaN, a dozen warnings of one statement.
Everything is rolled back.  The same seed gives the same cases.  Cases that found something are written to .build/fuzz.
"""
import collections
import os
import random
import sys
import time

from cases import KINDS, Cases
from session import Failure, Session

MOST_WARNINGS = 5
TIMEOUT_MS = 3000


def describe(case, done):
    lines = ["-- %s" % (done or "lost the connection")]
    for sql, *arguments in case:
        lines.append("%s  -- %s" % (sql, ", ".join("%.4000r" % (a,) for a in arguments)))
    return "\n".join(lines)


def try_case(session, case):
    """Runs a case and undoes it; returns how it ended and what was found, if anything."""
    session.run("BEGIN; SET LOCAL statement_timeout = %d" % TIMEOUT_MS)
    ended, found = "ok", None
    for sql, *arguments in case:
        del session.warnings[:]
        try:
            rows = session.run(sql, *arguments)
            if "bnai_score(" in sql and "NaN" in [r[0] for r in rows]:
                found = "a density that is NaN"
        except Failure as failure:
            ended = failure.state
            if ended is None or ended.startswith("XX"):
                found = "%s: %s" % (ended or "crash", str(failure).strip()[:200])
        if len(session.warnings) > MOST_WARNINGS:
            found = found or "%d warnings: %s" % (len(session.warnings), session.warnings[0].strip()[:200])
        if found or ended != "ok":
            break
    if ended is not None:
        session.run("ROLLBACK")
    return ended, found


def reconnect(session):
    """Waits for the server, which restarts after a crash."""
    for _ in range(120):
        try:
            return session.connect()
        except Failure:
            time.sleep(0.5)
    sys.exit("the server does not come back")


def main():
    kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rnd = random.Random("%s %d" % (kind, seed))
    session = Session("fuzz")
    cases = Cases(session)
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build/fuzz")
    states, findings = collections.Counter(), 0
    for i in range(count):
        case = KINDS[kind](cases, rnd)
        ended, found = try_case(session, case)
        states[ended] += 1
        if found:
            findings += 1
            print("case %d: %s" % (i, found), flush=True)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "%s-%d-%d" % (kind, seed, i)), "w") as out:
                out.write(describe(case, found))
        if ended is None:
            reconnect(session)
    print("%s: %d cases, %d findings; %s" % (kind, count, findings, ", ".join("%s %d" % s for s in states.most_common(8))))
    sys.exit(findings > 0)


main()
