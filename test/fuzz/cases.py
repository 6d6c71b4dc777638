"""Makes cases at random.  A case is a list of (statement, arguments…): what comes first may be refused, and is then all of it."""
import json
import re

NETWORKS = "full diagonal spherical tied robust missing array weighted vague normal vectors".split()
COLUMNS = dict.fromkeys(NETWORKS, 2)
COLUMNS.update(array=4, normal=1)
NUMBERS = ("0 1 2 3 -1 0.5 10 1e-6 1e6 1e10 -1e10 1e20 1e-20 1e154 -1e154 1e200 1e300 1e-300 1e308 -1e308 1.7976931348623157e308 5e-324 "
           "2147483647 2147483648 -2147483649 4294967296 9007199254740993 0.1 -0 1e15").split()
ODD_NUMBERS = "nan inf -inf 1e309 1e-400 0x10 1e 1e+ --1 .5 5. +3 1.2.3 1_000".split() + ["9" * 400, "1e99999999999", ""]
TEXTS = ["", " ", "x", "full", "normal", "mu", "points", "A", "AA", "a\"b", "a'b", "\\", "\n", "ä", "data_mean", "plates", "pg_catalog",
         "x" * 63, "x" * 64, "x" * 5000, "{", "{}", "[", "null", "0", "%s", "1; --", "clusters", "posterior", "INSERT", "* * * * *"]
WORDS = "data_mean data_variance data_precision data_covariance data_inverse_covariance zeros(2) ones(2) eye(2) eye(3) full(2,1) plates=2 plates=4 alpha mu Z".split()


def odd(rnd):
    """A number, most often one that can be read."""
    return rnd.choice(NUMBERS if rnd.random() < 0.9 else ODD_NUMBERS)


def vector(rnd):
    return "[" + ", ".join(odd(rnd) for _ in range(rnd.choice([1, 2, 2, 2, 3, 5]))) + "]"


def expression(rnd, depth=0):
    kind = rnd.randrange(8)
    if kind < 2:
        return odd(rnd)
    if kind == 2:
        return vector(rnd)
    if kind == 3:
        return "[" + ", ".join(vector(rnd) for _ in range(rnd.choice([1, 2, 2, 3]))) + "]"
    if kind == 4 and depth < 4:
        return odd(rnd) + " * " + expression(rnd, depth + 1)
    if kind == 5 and depth < 3:
        return "each(" + ", ".join(expression(rnd, depth + 1) for _ in range(rnd.choice([1, 2, 4, 4, 5]))) + ")"
    if kind == 6:
        return "%s(%s%s)" % (rnd.choice("full zeros ones eye".split()), odd(rnd), rnd.choice(["", ", " + odd(rnd)]))
    return rnd.choice(WORDS)


def mutated(rnd, text):
    """The text with some of its tokens exchanged, left out, or doubled."""
    tokens = re.findall(r"-?[0-9][0-9.e+-]*|[A-Za-z_]+|\s+|.", text, re.S)
    for _ in range(rnd.choice([1, 1, 1, 2, 4])):
        if not tokens:
            break
        numbers = [i for i, t in enumerate(tokens) if re.match(r"-?[0-9]", t)]
        i = rnd.choice(numbers) if numbers and rnd.random() < 0.7 else rnd.randrange(len(tokens))
        kind = rnd.randrange(8)
        if kind < 5:
            tokens[i] = odd(rnd)
        elif kind == 5:
            tokens[i] = expression(rnd)
        elif kind == 6:
            del tokens[i]
        else:
            tokens.insert(i, rnd.choice(tokens))
    return "".join(tokens)


def uses(rnd, network):
    """What is done with a network once it was changed."""
    first = rnd.choice([["SELECT * FROM bnai_infer($1)"]] * 4 + [
        ["SELECT bnai_fit($1, VARIADIC (ARRAY[a, b, c, w])[1:%d]) FROM points" % (COLUMNS.get(network, 2) + (network == "weighted"))],
        ["SELECT count(*) FROM bnai_compare_clusters($1, 1, 3)"], ["SELECT bnai_posterior_as_prior($1, 0.5)"],
        ["SELECT bnai_recalculate_if_needed($1, 1)"], ["SELECT bnai_graph($1)"]])
    later = ["SELECT bnai_plot($1, '%s')" % p for p in "clusters sizes trace changes".split()] + [
        "SELECT count(*) FROM bnai_clusters WHERE network = $1", "SELECT count(*) FROM bnai_status WHERE network = $1",
        "SELECT count(*) FROM bnai_parameters WHERE network = $1", "SELECT bnai_fitted($1)::text::bnai_posterior",
        "SELECT min(bnai_score($1, VARIADIC (ARRAY[a, b, c, w])[1:%d])) FROM points" % COLUMNS.get(network, 2),
        "SELECT bnai_rollback($1)", "SELECT bnai_reset($1)"]
    return [(u, network) for u in first + rnd.sample(later, rnd.randrange(3))]


class Cases:
    """Cases of one server, whose networks and functions it looks up."""

    def __init__(self, session):
        self.nodes = session.run("SELECT network, node, params FROM bnai_nodes WHERE params IS NOT NULL ORDER BY 1, 2")
        self.distributions = [r[0] for r in session.run("SELECT distribution FROM bnai_distributions() ORDER BY 1")]
        self.posteriors = {n: session.run("SELECT bnai_fitted($1)::text, encode(bnai_posterior_send(bnai_fitted($1)), 'hex')", n)[0] for n in NETWORKS}
        self.functions = session.run("""
            SELECT p.oid::regproc::text, p.prokind, array_to_string(ARRAY(SELECT t::regtype::text FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, n) ORDER BY n), ','), p.provariadic <> 0
            FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai')
                AND NOT ('internal'::regtype = ANY (p.proargtypes)) AND p.prorettype::regtype::text NOT IN ('trigger', 'event_trigger') ORDER BY 1, 3""")

    def parameters(self, rnd):
        network, node, params = rnd.choice(self.nodes)
        if rnd.random() < 0.8:
            text = mutated(rnd, params) if rnd.random() < 0.85 else ", ".join(expression(rnd) for _ in range(rnd.randrange(1, 5)))
            return [("SELECT bnai_change_node($1, $2, $3)", network, node, text)] + (uses(rnd, network) if rnd.random() < 0.7 else [])
        text = ", ".join(expression(rnd) for _ in range(rnd.randrange(5)))
        return [("SELECT bnai_add_node($1, $2, $3, $4)", network, rnd.choice(TEXTS + ["n1"] * 20), rnd.choice(self.distributions + ["", "x"]), text)] + uses(rnd, network)

    def settings_(self, rnd):
        likely = {
            "counter_threshold": ["1", "9223372036854775807"], "history": ["1", "2", "2147483647"], "max_iterations": ["1", "2", "10", "1000000000"], "missing": ["marginalize", "skip", "error"],
            "moves": ["true", "false"], "owner": ["fuzz", "postgres"], "priors": ["data", "vague"], "prune": ["true", "false"], "refit": ["auto", "warm", "full"], "refit_margin": NUMBERS,
            "resolution": ["0", "1", "0.5", "1e-300", "5e-324"], "restart_sample": ["0", "1", "2", "10", "2147483647"], "restarts": ["1", "2", "10", "100"], "results_column": ["label", "t", "a", "id", "ctid"],
            "seed": ["0", "-9223372036854775808", "9223372036854775807"], "start": ["kmeans++", "random", "results", "posterior"], "threshold_action": ["none", "recalculate", "background"],
            "tolerance": ["0", "1e300", "5e-324"], "weight_column": ["w", "a", "id", "holes", "label"]}
        network = rnd.choice(NETWORKS)
        case = []
        for _ in range(rnd.choice([1, 1, 2, 3])):
            name = rnd.choice(sorted(likely))
            value = rnd.choice([None] + likely[name] * 3 + [odd(rnd), rnd.choice(TEXTS)])
            case.append(("SELECT bnai_set($1, $2, $3)", network, name if rnd.random() < 0.97 else rnd.choice(TEXTS), value))
        return case + uses(rnd, network)

    def columns(self, rnd):
        names = ["a", "b", "c", "holes", "v", "w", "id"] * 4 + ["flag", "t", "label", "v[1]", "v[3]", "v[0]", "v[-1]", "v[4097]", "v[99999999999999]", "v[", "a[1]", "A", " a", "ctid", "tableoid", "*", "a,b"] + TEXTS
        chosen = "{" + ",".join('"%s"' % rnd.choice(names).replace("\\", "\\\\").replace('"', '\\"') for _ in range(rnd.choice([0, 1, 1, 2, 2, 3, 6]))) + "}"
        pick = lambda good, bad: rnd.choice(bad) if rnd.random() < 0.08 else rnd.choice(good)
        return [("SELECT bnai_create_clustering('new', $1::regclass, $2::text[], $3, max_clusters => $4::integer, priors => $5, covariance => $6, robust => $7::boolean, missing => $8, weight_column => $9, start => $10, resolution => $11::float8)",
                 pick(["points"] * 3 + ["seen"], ["pg_class", "bnai_networks", "0"]), chosen, pick([None, None, "label"], ["id", "a", "x", "ctid"]), pick(["1", "2", "4", "50"], ["0", "-1", "4096", "4097", None]), pick(["data", "vague"], [None, "x"]),
                 pick(["full", "diagonal", "spherical", "tied"], [None, "x"]), pick(["true", "false"], [None]), pick([None, "skip", "marginalize", "error"], ["x"]), pick([None, None, "w"], ["label", "id", "holes", "x"]),
                 pick([None, "kmeans++", "random"], ["results", "posterior", "x"]), pick(["0.02", "0", "1"], [None, "nan", "-1", "5e-324"]))] + uses(rnd, "new")

    def argument(self, rnd, kind):
        if rnd.random() < 0.07:
            return None
        if kind == "text":
            return rnd.choice(NETWORKS * 2 + TEXTS)
        if kind in ("integer", "bigint", "oid", "double precision"):
            return odd(rnd)
        if kind == "boolean":
            return rnd.choice(["true", "false"])
        if kind in ("regclass", "bnai_source"):
            return rnd.choice(["points", "seen", "pg_class", "bnai_run", "0", "4294967295"])
        if kind == "text[]":
            return rnd.choice(["{}", "{a,b}", "{NULL}", "{{a},{b}}", "[5:6]={a,b}", "{A,B,C}", "{%s}" % ",".join("x" * 3 for _ in range(100))])
        if kind == "double precision[]":
            return rnd.choice(["{}", "{NULL}", "{NULL,1}", "{{1,2}}", "[0:1]={1,2}", "{nan,1}", "{inf,1}"] + ["{%s}" % ",".join(rnd.choice(NUMBERS) for _ in range(n)) for n in (1, 2, 2, 2, 4)])
        if kind == "anyarray":
            return rnd.choice(["{}", "{1,2}", "{NULL}", "{{1},{2}}"])
        if kind == "json":
            return rnd.choice(["null", "{}", "[]", "[1]", '{"domain": []}', '"x"'])
        if kind == "bnai_posterior":
            return self.posteriors[rnd.choice(NETWORKS)][0]
        return rnd.choice(TEXTS)

    def functions_(self, rnd):
        name, kind, types, variadic = rnd.choice(self.functions)
        types = types.split(",") if types else []
        parts = ["$%d::%s" % (i + 1, "integer[]" if t == "anyarray" else t) for i, t in enumerate(types)]
        if variadic == "t":
            parts[-1] = "VARIADIC " + parts[-1]
        return [(("CALL %s(%s)" if kind == "p" else "SELECT %s(%s)") % (name, ", ".join(parts)), *[self.argument(rnd, t) for t in types])]

    def scored(self, rnd, network, posterior):
        """Scores rows with a posterior that was accepted."""
        case = [("SELECT $1::bnai_posterior IS NULL", posterior)]
        row = "{%s}" % ",".join(rnd.choice(["0", "1", "10", "100", "-1e3", "1e308", "-1e308", "NULL"]) for _ in range(COLUMNS[network]))
        for call in rnd.sample(["SELECT bnai_score($1::bnai_posterior, VARIADIC $2::float8[])", "SELECT bnai_typicality($1::bnai_posterior, VARIADIC $2::float8[])", "SELECT bnai_predict($1::bnai_posterior, VARIADIC $2::float8[])",
                                "SELECT bnai_predict_proba($1::bnai_posterior, VARIADIC $2::float8[])", "SELECT bnai_explain($1::bnai_posterior, VARIADIC $2::float8[])", "SELECT bnai_impute($1::bnai_posterior, VARIADIC $2::float8[])"], 2):
            case.append((call, posterior, row))
        for call in rnd.sample(["bnai_posterior_clusters", "bnai_posterior_parameters", "bnai_posterior_send", "bnai_posterior_out"], 2):
            case.append(("SELECT %s($1::bnai_posterior)" % call, posterior))
        return case

    def posterior(self, rnd):
        network = rnd.choice(NETWORKS)
        text = self.posteriors[network][0]
        if rnd.random() < 0.75:
            value = json.loads(text)
            for _ in range(rnd.choice([1, 1, 2, 3])):
                self.change(rnd, value)
            return self.scored(rnd, network, json.dumps(value))
        return self.scored(rnd, network, mutated(rnd, text))

    def change(self, rnd, value):
        """Changes one place of a JSON value."""
        while True:
            keys = list(value) if isinstance(value, dict) else list(range(len(value)))
            if not keys:
                return
            key = rnd.choice(keys)
            inner = value[key]
            if isinstance(inner, (dict, list)) and inner and rnd.random() < 0.9:
                value = inner
                continue
            kind = rnd.randrange(6)
            if kind == 0 and isinstance(value, dict):
                del value[key]
            elif kind == 1 and isinstance(value, list):
                value.append(inner)
            elif kind == 2 and isinstance(value, list):
                del value[key]
            elif isinstance(inner, (int, float)) and not isinstance(inner, bool):
                value[key] = rnd.choice([float(rnd.choice(NUMBERS)), inner * 1e100, -inner, inner * (1 + 1e-9), int(float(rnd.choice("0 1 2 3 5 -1 4096 4097 2147483648".split())))])
            elif isinstance(inner, str):
                value[key] = rnd.choice(TEXTS + self.distributions)
            else:
                value[key] = rnd.choice([None, True, [], {}, 0, "x"])
            return

    def binary(self, rnd):
        network = rnd.choice(NETWORKS)
        data = bytearray.fromhex(self.posteriors[network][1])
        for _ in range(rnd.choice([0, 1, 1, 2, 4])):
            i = rnd.randrange(len(data))
            kind = rnd.randrange(6)
            if kind == 0:
                data[i] = rnd.randrange(256)
            elif kind == 1:
                data[i] ^= 1 << rnd.randrange(8)
            elif kind == 2:
                del data[i:i + rnd.choice([1, 4, 8, 100])]
            elif kind == 3:
                data[i:i] = bytes(rnd.randrange(256) for _ in range(rnd.choice([1, 4, 8])))
            elif kind == 4:
                data[i:i + 4] = rnd.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\x10\x01"])
            else:
                data[i:i + 8] = bytes.fromhex(rnd.choice(["7fefffffffffffff", "7ff0000000000000", "7ff8000000000000", "0000000000000001", "ffefffffffffffff", "8000000000000000"]))
            if not data:
                break
        return self.scored(rnd, network, bytes(data))


KINDS = {"parameters": Cases.parameters, "settings": Cases.settings_, "columns": Cases.columns, "functions": Cases.functions_, "posterior": Cases.posterior, "binary": Cases.binary}
