"""A session of libpq, by ctypes: nothing to install, and parameters may be binary."""
import ctypes
import ctypes.util

LIBPQ = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
for name, result in (("PQconnectdb", "p"), ("PQexecParams", "p"), ("PQexec", "p"), ("PQresultErrorField", "s"), ("PQgetvalue", "s"),
                     ("PQerrorMessage", "s"), ("PQsetNoticeProcessor", "p")):
    getattr(LIBPQ, name).restype = {"p": ctypes.c_void_p, "s": ctypes.c_char_p}[result]

SQLSTATE = ord("C")
TUPLES = 2
BAD = (5, 7)  # bad response, fatal error


class Failure(Exception):
    """An error of a statement; `state` is None where the connection was lost."""

    def __init__(self, state, message):
        super().__init__(message)
        self.state = state


class Session:
    """One connection, by the environment's settings (PGHOST, PGDATABASE, …)."""

    def __init__(self, role):
        self.role = role
        self.warnings = []
        self.notice = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)(self.hear)
        self.connect()

    def connect(self):
        self.connection = ctypes.c_void_p(LIBPQ.PQconnectdb(b""))
        if LIBPQ.PQstatus(self.connection) != 0:
            raise Failure(None, LIBPQ.PQerrorMessage(self.connection).decode())
        LIBPQ.PQsetNoticeProcessor(self.connection, self.notice, None)
        self.run("SET client_min_messages = warning; SET jit = off; SET SESSION AUTHORIZATION " + self.role)

    def hear(self, _, message):
        self.warnings.append(message.decode(errors="replace"))

    def finish(self, result):
        """Returns the rows of a result as lists of texts; raises Failure."""
        result = ctypes.c_void_p(result)
        status = LIBPQ.PQresultStatus(result)
        if status in BAD or not result:
            state = LIBPQ.PQresultErrorField(result, SQLSTATE) if result else None
            message = LIBPQ.PQerrorMessage(self.connection).decode(errors="replace")
            LIBPQ.PQclear(result)
            if LIBPQ.PQstatus(self.connection) != 0:
                state = None
            raise Failure(state and state.decode(), message)
        rows = []
        for r in range(LIBPQ.PQntuples(result) if status == TUPLES else 0):
            rows.append([None if LIBPQ.PQgetisnull(result, r, c) else LIBPQ.PQgetvalue(result, r, c).decode(errors="replace")
                         for c in range(LIBPQ.PQnfields(result))])
        LIBPQ.PQclear(result)
        return rows

    def run(self, sql, *arguments):
        """Runs a statement with arguments: text, None, or bytes, which are sent as binary."""
        if not arguments:
            return self.finish(LIBPQ.PQexec(self.connection, sql.encode()))
        n = len(arguments)
        raw = [a if a is None or isinstance(a, bytes) else a.encode() for a in arguments]
        values = (ctypes.c_char_p * n)(*raw)
        lengths = (ctypes.c_int * n)(*[len(a or b"") for a in raw])
        formats = (ctypes.c_int * n)(*[isinstance(a, bytes) for a in arguments])
        return self.finish(LIBPQ.PQexecParams(self.connection, sql.encode(), n, None, values, lengths, formats, 0))
