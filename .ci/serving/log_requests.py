"""Writes the request log of a made-up loan model.

    python3 log_requests.py ROWS SEED SECONDS-BEFORE-NOW >>log.ndjson

Needs only the standard library: it runs in the container that plays the serving process.
"""

import json
import random
import sys
import time


def row(rng: random.Random, number: int, seconds: float) -> dict[str, object]:
    """One request with its answer."""
    age, income, region = rng.randint(18, 90), rng.lognormvariate(10, 0.6), rng.choice("NESW")
    score = 1 / (1 + 2.718281828 ** -((income - 25_000) / 10_000 + rng.gauss(0, 1)))
    return {
        "id": f"{rng.getrandbits(48):012x}-{number}",
        "timestamp": seconds,
        "model_version": "7",
        "inputs": {"age": age, "income": round(income, 2), "region": region},
        "outputs": {"score": round(score, 6), "approved": "yes" if score > 0.5 else "no"},
        "latency_ms": round(rng.expovariate(1 / 12) + 1, 3),
        "status": 500 if rng.random() < 0.005 else 200,
    }


def main() -> None:
    """Rows spread evenly from the past to now."""
    rows, seed, before = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    rng, now = random.Random(seed), time.time()
    for number in range(rows):
        print(json.dumps(row(rng, number, round(now - before * (1 - number / rows), 3))))


main()
