"""A hand-made result: two samples of three layers on a machine with two buffers; nothing is simulated."""

from __future__ import annotations

from spikecycle.simulator.result import (
    Assumptions,
    BufferArea,
    CounterResult,
    LayerResult,
    LogicArea,
    RunResult,
    SlowBuffer,
    StorageResult,
    VerificationResult,
)

CYCLE_CATEGORIES = ("compute", "scan", "weight_fetch", "bank_conflict", "barrier", "update", "dram_fill", "dram_load")
IDLE_CATEGORY = "dram_drain"  # declared, never happens


def counter(name: str, resource: str, count: int, energy_pj: float, operand: str = "weights") -> CounterResult:
    """A count of `component.action`."""
    component, action = name.split(".")[:2]
    return CounterResult(
        name=name,
        component=component,
        operand=operand,
        action=action,
        resource=resource,
        unit="words",
        sum_count=count,
        sum_energy_pj=energy_pj,
    )


def layer(
    name: str, operator: str, shape: dict[str, int | list[int]], breakdown: tuple[int, ...], scale: int
) -> LayerResult:
    """A layer whose counts follow from `scale`; its energy is 40 DRAM + 30 SRAM + 20 logic + 9 wires + 1 leakage."""
    counters = [
        counter("weights.read", "sram", 1000 * scale, 10.0 * scale),
        counter("weights.write", "sram", 100 * scale, 0.0),
        counter("potentials.read", "sram", 2000 * scale, 10.0 * scale, "potentials"),
        counter("potentials.write", "sram", 2000 * scale, 10.0 * scale, "potentials"),
        counter("accumulator.add", "logic", 3000 * scale, 20.0 * scale, "potentials"),
        counter("broadcast.move", "wire", 500 * scale, 9.0 * scale, "spikes"),
        counter("dispatcher.wait", "none", 7 * scale, 0.0, "spikes"),
        counter("dram.read.weights", "dram", 8192 * scale, 30.0 * scale),
        counter("dram.write.outputs", "dram", 1024 * scale, 10.0 * scale, "outputs"),
    ]
    return LayerResult(
        name=name,
        operator=operator,
        shape=shape,
        tiling={"tiles": 1},
        storage=StorageResult(
            weights=200 * scale,
            zero_weights=50 * scale,
            payload_bits=1200 * scale,
            metadata_bits=200 * scale,
            directory_bits=100 * scale,
            stored_bits=1600 * scale,
        ),
        cycles_per_inference=sum(breakdown) / 2,
        energy_per_inference_pj=50.0 * scale,
        synaptic_operations_per_inference=1500.0 * scale,
        sum_input_spikes=600 * scale,
        input_density=0.0625,
        sum_output_spikes=300 * scale,
        sum_synaptic_operations=3000 * scale,
        sum_dense_synaptic_operations=60_000 * scale,
        sum_cycles=sum(breakdown),
        sum_cycle_breakdown={**dict(zip(CYCLE_CATEGORIES, breakdown, strict=True)), IDLE_CATEGORY: 0},
        utilization=0.25,
        sum_dram_read_bits={"weights": 8192 * scale, "spikes": 0, "potentials": 0, "outputs": 0},
        sum_dram_write_bits={"weights": 0, "spikes": 0, "potentials": 0, "outputs": 1024 * scale},
        sum_busy_cycles={"array": 0, "dram_channel": 0},
        inferences_with_weights_on_chip=0,
        tensors_on_chip={},
        counters=counters,
        sum_leakage_pj=1.0 * scale,
        sum_energy_pj=100.0 * scale,
    )


def run_result(
    mismatches: int | None = None, recorded: bool = True, too_slow: tuple[SlowBuffer, ...] = ()
) -> RunResult:
    """The whole result; with `mismatches`, the second layer differs at so many positions (0: verified and exact)."""
    conv: dict[str, int | list[int]] = {"C": 2, "H": 34, "W": 34, "M": 16, "P": 17, "Q": 17, "R": 3, "S": 3}
    conv1 = {**conv, "stride": [2, 2], "padding": [1, 1], "groups": 1}
    conv2 = {**conv, "stride": [2, 1], "padding": [0, 1], "groups": 2}
    dense = {**conv1, "C": 512, "H": 1, "W": 1, "M": 10, "P": 1, "Q": 1, "R": 1, "S": 1}
    layers = [
        layer("conv1", "conv2d", conv1, (80, 20, 10, 0, 6, 40, 44, 0), 1),
        layer("conv2", "conv2d", conv2, (3000, 100, 60, 40, 0, 0, 0, 800), 20),
        layer(
            "dense [red]",
            "linear",
            dense,
            (150_000, 1, 0, 0, 49_999, 0, 0, 0),
            299,
        ),
    ]  # fmt: skip
    cycles = sum(one.sum_cycles for one in layers)
    energy_pj = sum(one.sum_energy_pj for one in layers)
    verification = None
    if mismatches is not None:
        verification = [
            VerificationResult(
                layer=one.name,
                spikes_compared=1000 if recorded else 0,
                mismatches=mismatches if one is layers[1] else 0,
                recorded=recorded,
                first_mismatch=[3, 1, 4, 1, 5] if mismatches and one is layers[1] else None,
            )
            for one in layers
        ]
    return RunResult(
        spikecycle="0.1.0",
        trace="digits",
        trace_sha256="0" * 64,
        provenance={"model": "made by hand"},
        machine={"name": "two_buffers", "buffers": {"weights": {"width_bits": 32}, "potentials": {"width_bits": 16}}},
        machine_file="two_buffers",
        machine_overrides={},
        machine_sha256="0123456789abcdef" * 4,
        base_machine_sha256="0123456789abcdef" * 4,
        dataflow="spike_array",
        weight_format="bitmask",
        spike_format="bitmap",
        samples=[0, 3],
        timesteps=10,
        clock_mhz=200,
        pes=16,
        layers=layers,
        sum_cycles=cycles,
        sum_cycle_breakdown={
            category: sum(one.sum_cycle_breakdown[category] for one in layers)
            for category in (*CYCLE_CATEGORIES, IDLE_CATEGORY)
        },
        overlap="double_buffering",
        cycles_per_inference=cycles / 2,
        cycles_per_sample=[cycles // 2 - 1000, cycles - cycles // 2 + 1000],
        sum_energy_pj=energy_pj,
        sum_energy_by_component_pj={
            name: energy_pj * percent / 100
            for name, percent in {
                "weights": 10,
                "potentials": 20,
                "accumulator": 20,
                "broadcast": 9,
                "dispatcher": 0,
                "dram": 40,
                "leakage": 1,
            }.items()
        },
        seconds_per_inference=cycles / 2 / 200e6,
        energy_per_inference_pj=energy_pj / 2,
        edp_per_inference_js=energy_pj / 2 * 1e-12 * cycles / 2 / 200e6,
        utilization=0.25,
        synaptic_operations_per_inference=sum(one.synaptic_operations_per_inference for one in layers),
        sum_synaptic_operations=sum(one.sum_synaptic_operations for one in layers),
        sum_dense_synaptic_operations=sum(one.sum_dense_synaptic_operations for one in layers),
        area_mm2=1.5,
        logic_area_mm2=0.25,
        buffers=[
            BufferArea(
                buffer=name,
                instances=16,
                area_mm2=0.625,
                leakage_mw=0.01,
                read_pj=1.0,
                write_pj=1.1,
                access_ns=0.4,
                extrapolated=name == "potentials",
            )
            for name in ("weights", "potentials")
        ],
        logic=[LogicArea(component="adder", kind="arithmetic", area_mm2=0.25, leakage_mw=0.5, flip_flops=12)],
        too_slow=list(too_slow),
        not_modelled=["control", "clock"],
        area_leaves_out=["clock tree"],
        verification=verification,
        assumptions=Assumptions(
            dram_pj_per_bit=4.0,
            sram_cell="itrs-lstp",
            temperature_k=300,
            node_nm=22.0,
            energy_table="horowitz45",
            clock_gating="enable",
            glitch_factor=1.4,
            utilization=0.7,
            logic_devices="lstp",
            operation="one weight because of one spike",
            residency={"weights": "inference", "batch": 1, "activations": "dram"},
            free_operators=[],
        ),
    )
