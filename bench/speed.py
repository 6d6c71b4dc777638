#!/usr/bin/python3
"""Measures bnai against scikit-learn's BayesianGaussianMixture on the same data, one after the other.

usage: scripts/cluster run bench/speed.py [--smallest] [--repeat 5] [--whole] [--scaling] [--labels] [--arrays]

Without options: the cost of one iteration, with everything that it does.  Both sides start with K
groups and keep them; an iteration costs what a fit with more of them takes longer, so that loading
and the start do not count.  --whole measures the whole job on 1,000,000 rows, --scaling the cost by
the number of rows, --labels what writing and predicting labels costs, --arrays a clustering of arrays with
384 elements, as an embedding has.  --smallest is a test of function.

Needs python3-sklearn.
"""
import argparse
import io
import os
import statistics
import subprocess
import sys
import time
import warnings

# one thread, and the fastest code that the peer's BLAS has for this processor
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(variable, None)

import numpy as np

# rows, columns, groups, iterations of the peer that are measured, of bnai
SIZES = [(1_000_000, 2, 10, 3, 100), (200_000, 8, 16, 5, 100), (200_000, 20, 16, 3, 50), (50_000, 64, 10, 5, 50)]
SMALLEST = [(2_000, 3, 3, 2, 4)]


def sql(text, data=None, settings=()):
    """Runs SQL in one session; returns the rows of all its queries."""
    text = "".join(f"SET {s};\n" for s in settings) + text
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"]
    command += ["-c", text] if data is not None else ["-f", "-"]
    done = subprocess.run(command, input=text if data is None else data, text=True, capture_output=True)
    if done.returncode:
        sys.exit(done.stderr)
    return [line.split("|") for line in done.stdout.splitlines()], done.stderr


def make_data(rows, dim, groups, seed=1):
    """Draws groups of equal size that are apart, with full covariances."""
    rng = np.random.default_rng(seed)
    x = np.empty((rows, dim))
    group = rng.integers(groups, size=rows)
    for k in range(groups):
        mine = group == k
        x[mine] = rng.normal(size=dim) * 12 + rng.normal(size=(mine.sum(), dim)) @ (
            np.eye(dim) + rng.normal(size=(dim, dim)) * 0.3 / np.sqrt(dim))
    return x


def load_table(x):
    """Puts the rows into the table `bench`."""
    columns = ", ".join(f"c{j} float8" for j in range(x.shape[1]))
    sql("DROP TABLE IF EXISTS bench; CREATE TABLE bench (%s, label text);" % columns)
    text = io.StringIO()
    np.savetxt(text, x, fmt="%.17g", delimiter="\t")
    names = ", ".join(f"c{j}" for j in range(x.shape[1]))
    sql(f"COPY bench ({names}) FROM STDIN", data=text.getvalue())
    sql("VACUUM ANALYZE bench;")


def infer_seconds(x, groups, iterations, workers):
    """Returns how long bnai_infer takes with a number of iterations, and how many groups are left."""
    columns = ",".join(f"c{j}" for j in range(x.shape[1]))
    out, log = sql(f"""
        SELECT bnai_drop_network(network) FROM bnai_networks WHERE network = 'bench';
        SELECT bnai_create_clustering('bench', 'bench', '{{{columns}}}', max_clusters => {groups}, restarts => 1,
            moves => false, tolerance => 0, restart_sample => 0, max_iterations => {iterations});
        SET client_min_messages = debug1;
        SELECT extract(epoch FROM elapsed), clusters, iterations FROM bnai_infer('bench');
        """, settings=(f"bnai.max_parallel_workers = {workers}",))
    seconds, clusters, done = out[-1]
    if int(done) != iterations:
        sys.exit(f"bnai made {done} iterations instead of {iterations}")
    kernels = log.rpartition("kernels ")[2].split()[0]
    return float(seconds), int(clusters), kernels


def peer_seconds(x, groups, iterations):
    """Returns how long the peer takes to fit with a number of iterations."""
    from sklearn.mixture import BayesianGaussianMixture
    mixture = BayesianGaussianMixture(n_components=groups, covariance_type="full", max_iter=iterations, tol=0.0,
                                      init_params="random", random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        mixture.fit(x)
        return time.perf_counter() - start


def per_iteration(measure, iterations):
    """Returns the seconds of one iteration."""
    return (measure(1 + iterations) - measure(1)) / iterations


def show(values, unit=1e3):
    return " / ".join(f"{v * unit:.2f}" for v in (min(values), statistics.median(values), max(values)))


def machine():
    with open("/proc/cpuinfo") as info:
        name = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown")
    return f"{name}, {os.cpu_count()} cores"


def compare(sizes, repeat):
    """Prints the table of costs per iteration."""
    print("| rows, columns, groups | scikit-learn, ms | bnai, 1 process, ms | bnai, 2 processes, ms | ns a row, 1 process | times faster, 1 process | 2 processes |")
    print("|---|---|---|---|---|---|---|")
    for rows, dim, groups, peer_iterations, iterations in sizes:
        x = make_data(rows, dim, groups)
        load_table(x)
        peer, alone, two = [], [], []
        for _ in range(repeat):
            peer.append(per_iteration(lambda n: peer_seconds(x, groups, n), peer_iterations))
            for workers, times in ((0, alone), (1, two)):
                times.append(per_iteration(lambda n: infer_seconds(x, groups, n, workers)[0], iterations))
        median = statistics.median
        print(f"| {rows:,}, {dim}, {groups} | {show(peer)} | {show(alone)} | {show(two)} | {min(alone) / rows * 1e9:.1f} "
              f"| {median(peer) / median(alone):.0f} ({min(peer) / min(alone):.0f}) "
              f"| {median(peer) / median(two):.0f} ({min(peer) / min(two):.0f}) |", flush=True)
    print(f"\nMinimum / median / maximum of {repeat}; ratios of medians (of minima), ns of the minimum.  "
          f"{machine()}, kernels {infer_seconds(x, groups, 1, 0)[2]}.")


def scaling():
    """Prints the cost of an iteration by the number of rows."""
    print("| rows | bnai, 1 process, ns a row and iteration | loading, ns a row |")
    print("|---|---|---|")
    for rows in (10_000, 100_000, 1_000_000, 10_000_000):
        x = make_data(rows, 2, 10)
        load_table(x)
        iterations = max(10, 10_000_000 // rows)
        first = infer_seconds(x, 10, 1, 0)[0]
        cost = (infer_seconds(x, 10, 1 + iterations, 0)[0] - first) / iterations
        print(f"| {rows:,} | {cost / rows * 1e9:.1f} | {(first - 2 * cost) / rows * 1e9:.0f} |", flush=True)


def seconds_of(query, settings=()):
    start = time.perf_counter()
    sql(query, settings=settings)
    return time.perf_counter() - start


def labels(repeat):
    """Prints what loading, predicting and labelling cost beside statements that do little with the same rows."""
    load_table(make_data(1_000_000, 2, 10))
    off = ("max_parallel_workers_per_gather = 0", "synchronize_seqscans = off")
    sql("""SELECT bnai_drop_network(network) FROM bnai_networks WHERE network = 'labels';
        SELECT bnai_create_clustering('labels', 'bench', '{c0,c1}', results_column => 'label', max_clusters => 10,
            restarts => 1, moves => false, max_iterations => 20, restart_sample => 0);
        SELECT * FROM bnai_infer('labels');""")
    infer = "SELECT * FROM bnai_infer('labels');"
    cost = {name: [] for name in ("sum", "load", "arithmetic", "predict", "update", "label", "store")}

    def fresh():
        sql("UPDATE bench SET label = NULL;")
        sql("VACUUM FULL bench;")

    for _ in range(repeat):
        fresh()
        cost["sum"].append(seconds_of("SELECT sum(c0), sum(c1) FROM bench;", off))
        cost["arithmetic"].append(seconds_of("SELECT sum(sqrt(c0 * c0 + c1 * c1)) FROM bench;", off))
        cost["predict"].append(seconds_of("SELECT count(bnai_predict('labels', c0, c1)) FROM bench;", off))
        cost["update"].append(seconds_of("UPDATE bench SET label = 'A';"))
        fresh()
        cost["label"].append(seconds_of("UPDATE bench SET label = bnai_predict('labels', c0, c1);"))
        fresh()
        with_labels = seconds_of(infer, off)
        fresh()
        sql("SELECT bnai_set('labels', 'results_column', NULL);")
        without = seconds_of(infer, off)
        sql("SELECT bnai_set('labels', 'max_iterations', '1');")
        one = seconds_of(infer, off)
        sql("SELECT bnai_set('labels', 'max_iterations', '20'); SELECT bnai_set('labels', 'results_column', 'label');")
        cost["store"].append(with_labels - without)
        cost["load"].append(one - (without - one) / 19 * 2)
    print("| what | s | compared with | s | ratio of medians |")
    print("|---|---|---|---|---|")
    for mine, other, what, against in (
            ("load", "sum", "loading, drawing seeds, counting", "`sum(c0), sum(c1)`"),
            ("predict", "arithmetic", "`bnai_predict` by name, 10 groups", "`sum(sqrt(c0 * c0 + c1 * c1))`"),
            ("label", "update", "`UPDATE` by `bnai_predict`", "`UPDATE` to a constant"),
            ("store", "update", "labels of a first `bnai_infer`", "`UPDATE` to a constant")):
        print(f"| {what} | {show(cost[mine], 1)} | {against} | {show(cost[other], 1)} "
              f"| {statistics.median(cost[mine]) / statistics.median(cost[other]):.2f} |")


def arrays(repeat, rows=100_000, dim=384, groups=8):
    """Prints what a diagonal clustering of an array column costs, beside reading it and beside scalar columns."""
    sql(f"""DROP TABLE IF EXISTS arrays, scalars;
        CREATE TABLE arrays (id int, embedding float8[], label text);
        SELECT setseed(0.5);
        INSERT INTO arrays SELECT i, (SELECT array_agg(sin(7.1 * j * (1 + i % {groups})) + random() + random() + random() + random() - 2 ORDER BY j)
            FROM generate_series(1, {dim}) j) FROM generate_series(1, {rows}) i;
        CREATE TABLE scalars AS SELECT {", ".join(f"embedding[{j}] AS c{j}" for j in range(1, dim + 1))} FROM arrays;
        VACUUM ANALYZE arrays, scalars;""")
    scalar_columns = ",".join(f"c{j}" for j in range(1, dim + 1))
    off = ("max_parallel_workers_per_gather = 0", "bnai.max_parallel_workers = 0", "jit = off")
    create = """SELECT bnai_drop_network(network) FROM bnai_networks WHERE network = 'arrays';
        SELECT bnai_create_clustering('arrays', '%s', '{%s}', covariance => 'diagonal'%s);"""
    short = ", restarts => 1, moves => false, restart_sample => 0, max_iterations => %d, tolerance => 0"

    cpu = """SELECT (split_part(x, ' ', 14)::int + split_part(x, ' ', 15)::int) / 100.0
        FROM pg_read_file(format('/proc/%s/stat', pg_backend_pid())) AS x;"""

    def measure(what, query, before=None):
        """Prints elapsed seconds and processor seconds of a statement; returns the latter's median."""
        wall, busy = [], []
        for _ in range(repeat):
            if before:
                sql(before)
            start = time.perf_counter()
            out, _ = sql(query + cpu, settings=off)
            wall.append(time.perf_counter() - start)
            busy.append(float(out[-1][0]))
        print(f"| {what} | {show(wall, 1)} | {show(busy, 1)} |", flush=True)
        return statistics.median(busy)

    print("| what | s | processor, s |")
    print("|---|---|---|")
    infer = "SELECT * FROM bnai_infer('arrays');"
    measure("`sum(embedding[1])`", "SELECT sum(embedding[1]) FROM arrays;")
    measure("a network without clusters: little more than loading", infer, f"""
        SELECT bnai_drop_network(network) FROM bnai_networks WHERE network = 'arrays';
        SELECT bnai_create_network('arrays', max_iterations => 1);
        SELECT bnai_add_node('arrays', 'mu', 'GaussianDiagonal', 'data_mean, 0.1 * data_precision');
        SELECT bnai_add_node('arrays', 'x', 'GaussianDiagonal', 'mu, ones({dim})', 'arrays', '{{embedding}}');""")
    for table, columns in (("arrays", "embedding"), ("scalars", scalar_columns)):
        one = measure(f"{table}: load, start and 1 iteration", infer, create % (table, columns, short % 1))
        many = measure(f"{table}: the same with 11 iterations", infer, create % (table, columns, short % 11))
        print(f"| {table}: one iteration | | {(many - one) / 10:.3f} |", flush=True)
    measure("the whole inference, with labels", infer, "UPDATE arrays SET label = NULL; VACUUM FULL arrays;"
            + create % ("arrays", "embedding", ", results_column => 'label'"))
    out, _ = sql("SELECT clusters, passes FROM bnai_runs WHERE network = 'arrays' ORDER BY run DESC LIMIT 1;")
    measure("`bnai_predict` of each row", "SELECT count(bnai_predict('arrays', VARIADIC embedding)) FROM arrays;")
    print(f"\n{out[-1][0]} clusters of {groups}, {float(out[-1][1]):.0f} passes.  {machine()}, one process.")


def whole(rows=1_000_000, restarts=15):
    """Prints the whole job: from the table to labels written, by both."""
    from sklearn.mixture import BayesianGaussianMixture
    x = make_data(rows, 2, 7, seed=5)
    load_table(x)
    create = """SELECT bnai_drop_network(network) FROM bnai_networks WHERE network = 'whole';
        SELECT bnai_create_clustering('whole', 'bench', '{c0,c1}', results_column => 'label', max_clusters => 10, restarts => %d%s);"""
    sql(create % (restarts, ""))
    start = time.perf_counter()
    out, _ = sql("SELECT elbo, clusters FROM bnai_infer('whole');")
    bnai = time.perf_counter() - start
    elbo, clusters = out[-1]

    start = time.perf_counter()
    out, _ = sql("COPY (SELECT c0, c1 FROM bench) TO STDOUT;")
    y = np.array([line[0].split("\t") for line in out], dtype=float)
    export = time.perf_counter() - start
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        label = BayesianGaussianMixture(n_components=10, max_iter=1000, random_state=1).fit_predict(y)
    fit = time.perf_counter() - start
    start = time.perf_counter()
    sql("DROP TABLE IF EXISTS labels; CREATE TABLE labels (c0 float8, c1 float8, label text);")
    text = io.StringIO()
    np.savetxt(text, np.column_stack([y, label]), fmt=["%.17g", "%.17g", "%d"], delimiter="\t")
    sql("COPY labels FROM STDIN", data=text.getvalue())
    sql("UPDATE bench SET label = chr(65 + labels.label::int) FROM labels WHERE bench.c0 = labels.c0 AND bench.c1 = labels.c1;")
    back = time.perf_counter() - start

    # the peer's groups, with the same priors and to the same tolerance: the same bound
    sql(create % (1, ", start => 'results', moves => false, max_iterations => 2000"))
    peer_elbo = sql("SELECT elbo FROM bnai_infer('whole');")[0][-1][0]
    total = export + restarts * fit + back
    print(f"bnai: {bnai:.1f} s for {restarts} restarts, ELBO {float(elbo):.2f}, {clusters} clusters")
    print(f"scikit-learn: {export:.1f} s export + {restarts} x {fit:.1f} s fit (one was measured) + {back:.1f} s labels back "
          f"= {total:.0f} s, {total / bnai:.0f} times as long; its groups have ELBO {float(peer_elbo):.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--smallest", action="store_true")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--labels", action="store_true")
    parser.add_argument("--arrays", action="store_true")
    options = parser.parse_args()
    sql("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS bnai;")
    if options.whole:
        whole()
    if options.scaling:
        scaling()
    if options.labels:
        labels(options.repeat)
    if options.arrays:
        arrays(options.repeat)
    if not (options.arrays or options.whole or options.scaling or options.labels):
        compare(SMALLEST if options.smallest else SIZES, 1 if options.smallest else options.repeat)


if __name__ == "__main__":
    main()
