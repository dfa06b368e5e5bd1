"""The page of what imports support is what the importers declare, and each declares everything."""

from __future__ import annotations

import nir
import pytest
import snntorch as snn
import torch
from torch import nn

from spikecycle.models import ModelsError, import_network
from spikecycle.models.importing import nir_nodes, snntorch_neurons
from spikecycle.models.importing.spiking import CONSTRUCTS, frameworks
from spikecycle.models.importing.support_table import PAGE, page

pytestmark = pytest.mark.train
IMPORTERS = [nir_nodes, *frameworks()]


def test_the_page_is_what_the_importers_declare() -> None:
    assert PAGE.read_text() == page(), "run python -m spikecycle.models.importing.support_table"


@pytest.mark.parametrize("importer", IMPORTERS, ids=lambda importer: importer.NAME)
def test_an_importer_declares_every_construct(importer: object) -> None:
    assert vars(importer)["DECLARED"].keys() == CONSTRUCTS.keys()


def test_nodes_of_nir_that_are_neurons_are_declared() -> None:
    fires = {name for name in nir_nodes.CONVERTERS if hasattr(getattr(nir, name, None), "__dataclass_fields__")
             and {"v_threshold", "r", "threshold"} & set(getattr(nir, name).__dataclass_fields__)}  # fmt: skip
    assert fires == nir_nodes.NEURONS


NEURONS = {
    "Leaky": lambda: snn.Leaky(0.9, init_hidden=True), "Lapicque": lambda: snn.Lapicque(beta=0.9, init_hidden=True),
    "RLeaky": lambda: snn.RLeaky(0.9, linear_features=4, init_hidden=True),
    "Synaptic": lambda: snn.Synaptic(0.5, 0.9, init_hidden=True),
    "RSynaptic": lambda: snn.RSynaptic(0.5, 0.9, linear_features=4, init_hidden=True),
    "Alpha": lambda: snn.Alpha(0.9, 0.8, init_hidden=True),
}  # fmt: skip


@pytest.mark.parametrize("name", NEURONS)
def test_the_neurons_that_snntorch_declares_are_imported_and_no_others(name: str) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 4), NEURONS[name]())
    if name in snntorch_neurons.SUPPORTED:
        assert import_network(module, torch.rand(2, 4)).source.stages[0].layer.name == "1"
    else:
        with pytest.raises(ModelsError, match=rf"module 1 \({name}\): supported: "):
            import_network(module, torch.rand(2, 4))
