#!/usr/bin/python3
"""Searches generated mixtures from many seeds and says how often the best known ELBO is reached.

usage: scripts/cluster run bench/search.py [--seeds 5] [--max-rows 50000] [--priors vague,data] [--case NAME]

Needs python3-numpy.  Prints a markdown table: for each case and prior the best known ELBO (over all
seeds and the start from the true groups), the share of seeds that reach it within 1e-3 nats with one
restart and with the default number, how far below the worst one ends, clusters, and passes.
"""
import argparse
import subprocess
import sys

import numpy as np

# kind, columns, groups, rows.  sep: well apart; overlap: half as far; nested: every second group lies
# inside another one, 6 to 25 times tighter; corr: long ellipses; tied: values rounded, so that many are
# equal; balanced: equal sizes; line: equal sizes, side by side, far apart.  Else groups have down to 3% of the rows.
CASES = [
    ("sep", 1, 3, 500), ("sep", 1, 5, 5000), ("overlap", 1, 3, 2000), ("nested", 1, 4, 2000),
    ("sep", 2, 5, 200), ("sep", 2, 8, 2000), ("sep", 2, 12, 5000), ("overlap", 2, 3, 200),
    ("overlap", 2, 5, 1000), ("overlap", 2, 8, 10000), ("nested", 2, 3, 300), ("nested", 2, 4, 800),
    ("nested", 2, 6, 3000), ("nested", 2, 8, 20000), ("corr", 2, 6, 2000), ("corr", 2, 9, 30000),
    ("tied", 2, 5, 2000), ("sep", 3, 6, 1000), ("sep", 3, 12, 1200), ("overlap", 3, 7, 4000),
    ("nested", 3, 6, 2000), ("corr", 3, 8, 10000), ("tied", 3, 6, 5000), ("corr", 4, 4, 400),
    ("sep", 5, 8, 2000), ("overlap", 5, 6, 3000), ("nested", 5, 6, 5000), ("corr", 5, 10, 20000),
    ("balanced", 5, 12, 4000), ("sep", 8, 4, 1000), ("overlap", 8, 6, 8000), ("nested", 10, 6, 6000),
    ("sep", 10, 10, 20000), ("corr", 10, 5, 2000), ("overlap", 10, 12, 50000),
    ("line", 1, 30, 600), ("sep", 2, 12, 200000), ("nested", 3, 10, 200000), ("overlap", 4, 7, 200000),
]
SEPARATION = {"sep": 6.0, "overlap": 2.5, "nested": 4.0, "balanced": 4.0, "tied": 4.0, "corr": 3.0, "line": 0.0}


def covariance(rng, dim, condition):
    q, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    half = np.log(condition) / 2
    return (q * np.exp(rng.uniform(-half, half, dim))) @ q.T


def mixture(kind, dim, groups, rows, seed):
    """rows x dim values and the group of each row, in random order."""
    rng = np.random.RandomState(seed)
    share = np.ones(groups) / groups
    if kind not in ("balanced", "line"):
        share = 0.03 + (1 - groups * 0.03) * rng.dirichlet(np.full(groups, 1.5))
    spread = SEPARATION[kind] / np.sqrt(dim) * groups ** (1 / dim) / 1.5
    mean = rng.normal(size=(groups, dim)) * spread + rng.normal(size=dim) * 10
    cov = [covariance(rng, dim, 60.0 if kind == "corr" else 9.0) for _ in range(groups)]
    if kind == "line":
        mean += 10.0 * np.arange(groups)[:, None]
        cov = [np.eye(dim)] * groups
    if kind == "nested":
        for g in range(1, groups, 2):
            mean[g] = mean[g - 1] + rng.normal(size=dim) * 0.2
            cov[g] = cov[g] / rng.uniform(6, 25)
    sizes = rng.multinomial(rows, share)
    values = np.vstack([rng.multivariate_normal(mean[g], cov[g], size=sizes[g]) for g in range(groups)])
    if kind == "tied":
        values = np.round(values * 1.5)
    order = rng.permutation(rows)
    return values[order], np.repeat(np.arange(groups), sizes)[order]


def psql(sql, data=None):
    """Runs SQL; `data` is what a COPY FROM STDIN in it reads."""
    if data is not None:
        sql += ";\n" + data + "\\.\n"
    out = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1"], input=sql, text=True, capture_output=True)
    if out.returncode:
        sys.exit(out.stderr)
    return out.stdout.strip()


def infer(columns, priors, components, options):
    """ELBO, clusters, passes of one inference of table bench_search."""
    out = psql(f"""SELECT bnai_create_clustering('search', 'bench_search', '{{{columns}}}', 'label',
                          max_clusters => {components}, priors => '{priors}', {options});
                   SELECT * FROM bnai_infer('search') \\g /dev/null
                   SELECT elbo, clusters, passes FROM bnai_runs WHERE network = 'search' AND is_current;
                   SELECT bnai_drop_network('search')""")
    elbo, clusters, passes = [line for line in out.split("\n") if "|" in line][0].split("|")
    return float(elbo), int(clusters), float(passes)


def name(group):
    """A, B, ... Z, AA, AB ..."""
    return chr(65 + group) if group < 26 else "A" + chr(65 + group - 26)


def try_case(case, priors, seeds):
    kind, dim, groups, rows = case
    values, group = mixture(kind, dim, groups, rows, 1000 + CASES.index(case))
    names = [f"x{j}" for j in range(dim)]
    psql("DROP TABLE IF EXISTS bench_search; CREATE TABLE bench_search ("
         + "".join(f"{n} float8, " for n in names) + "truth text, label text)")
    psql(f"COPY bench_search ({', '.join(names)}, truth) FROM STDIN",
         "".join("\t".join(map(repr, map(float, v))) + f"\t{name(g)}\n" for v, g in zip(values, group)))
    components = max(10, groups + 3)
    columns = ",".join(names)
    psql("UPDATE bench_search SET label = truth")
    truth = infer(columns, priors, components, "start => 'results'")
    one = [infer(columns, priors, components, f"restarts => 1, seed => {s}") for s in range(1, seeds + 1)]
    default = [infer(columns, priors, components, f"seed => {s}") for s in range(1, seeds + 1)]
    best = max(r[0] for r in one + default + [truth])

    def share(runs):
        return sum(r[0] > best - 1e-3 for r in runs), min(r[0] for r in runs) - best

    found_one, worst_one = share(one)
    found, worst = share(default)
    clusters = sorted({r[1] for r in default})
    print(f"| {kind} {dim} x {rows}, {groups} groups | {priors} | {best:.3f} | {truth[0] - best:.2f} "
          f"| {found_one}/{seeds} | {worst_one:.2f} | {found}/{seeds} | {worst:.2f} "
          f"| {'-'.join(map(str, clusters))} | {np.mean([r[2] for r in one]):.0f} "
          f"| {np.mean([r[2] for r in default]):.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-rows", type=int, default=50000)
    parser.add_argument("--priors", default="vague,data")
    parser.add_argument("--case", default="")
    args = parser.parse_args()
    psql("CREATE EXTENSION IF NOT EXISTS bnai")
    print("| case | priors | best known ELBO | true groups end | found, 1 restart | worst | found, default | worst "
          "| clusters | passes, 1 restart | default |\n|---|---|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        if case[3] <= args.max_rows and case[0].startswith(args.case):
            for priors in args.priors.split(","):
                try_case(case, priors, args.seeds)


if __name__ == "__main__":
    main()
