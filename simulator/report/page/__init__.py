"""Results as one HTML page that needs nothing but itself: no network, no installed program, no other file.

Charts are drawn here as SVG, twice, for wide and for narrow windows, and the page holds a few hundred lines of style
and script of its own. A charting library would be larger than everything else (Plotly 4 MB, Vega-Lite 1 MB), would
draw only where scripts may run, and could not be looked at in a test without a browser.

Read in this order: `chart` (what a chart is), the modules that make charts of results (`costs`, `places`, `balance`,
`spikes`, `rooflines`, `machine`, `formats`, `fronts`, `bench_charts`), `overview`, `benches` and `grounds` (tables and
sentences), `contents` and `html` (the page).
"""
