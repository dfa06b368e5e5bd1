"""All surfaces. A new one is a module here and a line below."""

from tests.fuzz.surface import Surface
from tests.fuzz.surfaces.command_lines import CommandLines
from tests.fuzz.surfaces.events import EventFiles
from tests.fuzz.surfaces.layer_traces import LayerTraces
from tests.fuzz.surfaces.machines import Machines
from tests.fuzz.surfaces.network_traces import NetworkTraces
from tests.fuzz.surfaces.nir_files import NirFiles
from tests.fuzz.surfaces.plugin_files import PluginFiles
from tests.fuzz.surfaces.samples import SampleFiles
from tests.fuzz.surfaces.stores import StudyStores
from tests.fuzz.surfaces.studies import Studies
from tests.fuzz.surfaces.sweep_files import SweepFiles
from tests.fuzz.surfaces.sweep_stores import SweepStores
from tests.fuzz.surfaces.tables import StudyTables

SURFACES: tuple[Surface, ...] = (
    Machines(), LayerTraces(), NetworkTraces(), CommandLines(), SweepFiles(), PluginFiles(),
    Studies(), NirFiles(), SampleFiles(), EventFiles(), StudyStores(), SweepStores(), StudyTables(),
)  # fmt: skip
