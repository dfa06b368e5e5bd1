"""Hand-written documents of `spikecycle bench`, two computers, for tests of what is drawn of them."""

from __future__ import annotations

from spikecycle.simulator.bench.result import ONE_THREAD, BenchCase, BenchResult, PeerTime, TimeGrowth

CASE = BenchCase(
    network="lenet", describes="LeNet-5", density=0.1, zero_weights=0.8, machine="spike_array",
    weight_format="bitmask", threads=1, problem="", samples=4, first_s=8.0, seconds=2.0, sops_per_s=3e6,
    dense_sops_per_s=5e9, cycles_per_s=7e6, peak_bytes=100 * 2**20,
)  # fmt: skip
ON_TWO = CASE.model_copy(update={"threads": 2, "seconds": 1.25})
OTHER_MACHINE = CASE.model_copy(update={"machine": "prosperity", "weight_format": None, "seconds": 0.4})
REFUSED = BenchCase(
    network="lenet", density=0.1, zero_weights=0.8, machine="mint", weight_format=None, threads=1,
    problem="mint takes weights of 2 bits",
)  # fmt: skip
TORCH = PeerTime(
    peer="PyTorch, 1 thread", work="lenet, dense layers", problem="", seconds=1.5, ours_s=0.5, ratio=3.0, case=0,
    version="2.0",
)  # fmt: skip
ALONE = PeerTime(
    peer=ONE_THREAD, work="lenet on spike_array, 4 samples, 2 threads", problem="", seconds=2.0, ours_s=1.25, ratio=1.6,
    case=1,
)  # fmt: skip
SANAFE = PeerTime(
    peer="SANA-FE", work="small network on Loihi", problem="", seconds=2.0, ours_s=0.25, ratio=8.0, version="2.2"
)  # fmt: skip
NO_SANAFE = PeerTime(peer="SANA-FE", work="small network on Loihi", problem="sanafe is not installed: pip install it")
# twice the size takes twice the time, and then four times: slope 1.5 over the logarithms, through the mean (2, 2)
GROWTH = TimeGrowth(size="channels", values=[1, 2, 4], seconds=[1.0, 2.0, 8.0], exponent=1.5)
BENCH = BenchResult(
    spikecycle="1.2", python="3.11", numba="0.6", processor="Processor A", cores=2, date="2026-11-29T06:25+00:00",
    runs=3, cases=[CASE, ON_TWO, OTHER_MACHINE, REFUSED], peers=[TORCH, ALONE, SANAFE], growth=[GROWTH],
)  # fmt: skip
FASTER = BenchResult(
    spikecycle="1.3", python="3.12", numba="0.7", processor="Processor B", cores=8, runs=1,
    cases=[
        CASE.model_copy(update={"seconds": 0.5}),  # 4 times as fast
        OTHER_MACHINE.model_copy(update={"seconds": 0.4}),  # as fast
    ],
    peers=[NO_SANAFE],
    growth=[],
)  # fmt: skip
