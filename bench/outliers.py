#!/usr/bin/python3
"""Adds outliers to the example's 2,000 rows again and again, and says what robust clustering makes of them.

usage: scripts/cluster run bench/outliers.py [--draws 200] [--set PARAMETERS OF nu AND alpha, such as '0.1, 0' 0.05]

5 % of outliers, uniform over a box three times the range of the rows.  Prints for max_clusters 4 and 10, over
all draws: how far means move at most; how much the groups' sizes, counted over the example's rows, differ at most from
those of the robust fit without outliers, and in how many draws by more than 3 %; the least share of outliers that are less
typical than 95 % of the example's rows; clusters.  Last, the sizes that the model of these rows finds, four
Gaussians and a uniform density over the box, fitted by EM from the true groups: no method can be expected to do better.

Needs python3-numpy.
"""
import argparse
import subprocess
import sys

import numpy as np

SETUP = r"""
\set size 2000
\i examples/userinfo.sql
CREATE EXTENSION IF NOT EXISTS bnai;
CREATE TABLE clean AS SELECT avg_time_pages AS x, avg_time_pages_a AS y, false AS outlier FROM userinfo;
CREATE TABLE noisy AS TABLE clean;
SELECT bnai_create_clustering('clean', 'clean', '{x,y}', max_clusters => 4, robust => true),
	   bnai_create_clustering('four', 'noisy', '{x,y}', max_clusters => 4, robust => true),
	   bnai_create_clustering('ten', 'noisy', '{x,y}', max_clusters => 10, robust => true);
"""

# The rows of one draw: the same for the same number
DRAW = """SELECT setseed(%d / 1000.0);
DELETE FROM noisy WHERE outlier;
INSERT INTO noisy SELECT 2 * min_x - max_x + 3 * (max_x - min_x) * random(), 2 * min_y - max_y + 3 * (max_y - min_y) * random(), true
FROM (SELECT min(x) AS min_x, max(x) AS max_x, min(y) AS min_y, max(y) AS max_y FROM clean) AS box, generate_series(1, 100);"""

# One line for each cluster: mean, width in x, rows of the example; then the share of outliers that are found
FIT = """SELECT bnai_reset('%(network)s') \\g /dev/null
SELECT * FROM bnai_infer('%(network)s') \\g /dev/null
SELECT c.mean[1], c.mean[2], sqrt(c.covariance[1][1]), (SELECT count(*) FROM clean WHERE bnai_predict('%(network)s', x, y) = c.label)
FROM bnai_clusters AS c WHERE network = '%(network)s';
SELECT coalesce(avg((bnai_typicality('%(network)s', x, y) < typical)::integer), 1) FROM noisy, LATERAL (
	SELECT percentile_cont(0.05) WITHIN GROUP (ORDER BY bnai_typicality('%(network)s', x, y)) AS typical FROM clean) AS t WHERE outlier;"""


def psql(sql):
    """The lines that a script prints."""
    out = subprocess.run(["psql", "-qAtXF", " ", "-v", "ON_ERROR_STOP=1"], text=True, capture_output=True,
                         input="SET client_min_messages = warning;\n" + sql)
    if out.returncode:
        sys.exit(out.stderr)
    return [line for line in out.stdout.split("\n") if line.strip()]


def fit(network):
    """Clusters x (mean, mean, width, rows), and the share of outliers found."""
    *clusters, found = [[float(field) for field in line.split()] for line in psql(FIT % {"network": network})]
    return np.array(clusters), found[0]


def counterparts(clean, clusters):
    """For each cluster of the clean fit the nearest one; two groups cross at one mean, so widths decide, too."""
    return np.array([clusters[np.argmin(((clusters[:, :3] - c[:3]) ** 2).sum(axis=1))] for c in clean])


def log_normal(rows, mean, covariance):
    lower = np.linalg.cholesky(covariance)
    white = np.linalg.solve(lower, (rows - mean).T)
    return -0.5 * (white ** 2).sum(axis=0) - np.log(np.diag(lower)).sum() - np.log(2 * np.pi)


def true_model(clean, outliers, area):
    """Sizes of the four groups, counted over the clean rows, with a uniform density beside them where there are outliers."""
    rows = np.vstack([clean, outliers])
    means = np.array([[16.0, 16], [20, 20], [20, 20], [25, 25]])
    covariances = np.array([np.diag([0.5, 0.5]), np.diag([1.8, 0.1]), np.diag([0.1, 1.8]), [[1.7, -1.3], [-1.3, 1.9]]])
    weights = np.full(4, 0.25)
    noise = len(outliers) / len(rows)
    before = -np.inf
    while True:
        groups = np.array([np.log(w) + log_normal(rows, m, c) for w, m, c in zip(weights, means, covariances)])
        joint = np.vstack([groups + np.log1p(-noise), np.full((1, len(rows)), np.log(noise / area) if noise else -np.inf)])
        peak = joint.max(axis=0)
        shares = np.exp(joint - peak)
        bound = (peak + np.log(shares.sum(axis=0))).sum()
        shares /= shares.sum(axis=0)
        sums = shares.sum(axis=1)
        noise = sums[4] / len(rows)
        weights = sums[:4] / sums[:4].sum()
        means = shares[:4] @ rows / sums[:4, None]
        for k in range(4):
            away = rows - means[k]
            covariances[k] = (away * shares[k][:, None]).T @ away / sums[k]
        if bound - before < 1e-9 * abs(bound):
            return np.bincount(groups[:, :len(clean)].argmax(axis=0), minlength=4)
        before = bound


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--set", nargs=2, metavar=("NU", "ALPHA"), help="other priors than those of robust => true")
    options = parser.parse_args()

    psql(SETUP)
    if options.set:
        psql("".join(f"SELECT bnai_change_node('{n}', 'nu', '{options.set[0]}, plates={k}'), "
                     f"bnai_change_node('{n}', 'alpha', 'full({k}, {options.set[1]})');"
                     for n, k in (("clean", 4), ("four", 4), ("ten", 10))))
    base, _ = fit("clean")
    rows = np.array([line.split() for line in psql("SELECT x, y FROM clean")], dtype=float)
    area = 9 * np.prod(rows.max(axis=0) - rows.min(axis=0))
    true_sizes = true_model(rows, np.empty((0, 2)), area)

    moved, changed, typical, clusters = ({"four": [], "ten": []} for _ in range(4))
    limit = []
    for draw in range(1, options.draws + 1):
        psql(DRAW % draw)
        for network in ("four", "ten"):
            found, share = fit(network)
            groups = counterparts(base, found)
            moved[network].append(np.sqrt(((groups[:, :2] - base[:, :2]) ** 2).sum(axis=1)).max())
            changed[network].append(abs(groups[:, 3] / base[:, 3] - 1).max())
            typical[network].append(share)
            clusters[network].append(len(found))
        outliers = np.array([line.split() for line in psql("SELECT x, y FROM noisy WHERE outlier")], dtype=float)
        limit.append(abs(true_model(rows, outliers, area) / true_sizes - 1).max())

    print(f"| {options.draws} draws | means move by | sizes change by | draws above 3 % | outliers found | clusters: draws |")
    print("|---|---|---|---|---|---|")
    for network, name in (("four", "max_clusters 4"), ("ten", "max_clusters 10")):
        counts = ", ".join(f"{n}: {clusters[network].count(n)}" for n in sorted(set(clusters[network])))
        print(f"| {name} | {max(moved[network]):.3f} | {100 * max(changed[network]):.1f} % | "
              f"{(np.array(changed[network]) > 0.03).sum()} | {100 * min(typical[network]):.0f} % | {counts} |")
    print(f"| four Gaussians and uniform noise | | {100 * max(limit):.1f} % | {(np.array(limit) > 0.03).sum()} | | |")


main()
