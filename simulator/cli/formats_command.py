"""`spikecycle formats`."""

from __future__ import annotations

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress


def formats(
    trace: options.TraceArgument,
    hw: options.HardwareOption = options.DEFAULT_HARDWARE,
    settings: options.SetOption = None,
    residency: options.ResidencyOption = None,
    samples: options.SamplesOption = None,
    max_memory: options.MaxMemoryOption = None,
    threads: options.SampleThreadsOption = options.DEFAULT_THREADS,
    json: options.JsonOption = None,
    picture: options.PictureOption = None,
    plugins: options.PluginOption = None,
) -> None:
    """Compare all weight formats, with weights reloaded and resident, and all spike formats on one machine."""
    options.load_plugins(plugins)
    chosen = options.parse_samples(samples)
    changed_settings = options.parse_settings(settings)
    max_memory_bytes = options.parse_max_memory(max_memory)
    most_threads = options.parse_threads(threads)
    asked_residency = options.parse_residency(residency)
    check_targets({"--json": json, "--picture": picture}, (trace, hw, *(plugins or ())))

    from spikecycle.simulator.compare import compare_formats
    from spikecycle.simulator.report.document import to_json
    from spikecycle.simulator.report.formats_table import comparison_report
    from spikecycle.simulator.report.picture import to_svg

    with shown_progress("comparing formats") as progress:
        comparison = compare_formats(
            trace,
            hw,
            settings=changed_settings,
            residency=asked_residency,
            samples=chosen,
            progress=progress,
            max_memory_bytes=max_memory_bytes,
            threads=most_threads,
        )
    if json is not None:
        write_document(json, to_json(comparison))
    if picture is not None:
        write_document(picture, to_svg(f"spikecycle formats {comparison.trace}", comparison_report(comparison)))
    if json != "-":
        standard_output().show(comparison_report(comparison))
