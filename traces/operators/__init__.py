"""The operators that networks are made of, one module per family; each class registers the kinds that it names."""

from spikecycle.traces.operators.attention import AttentionProduct
from spikecycle.traces.operators.base import OPERATOR_KINDS, Operator, operator_class
from spikecycle.traces.operators.merge import Add, Concatenate
from spikecycle.traces.operators.pool import Pool
from spikecycle.traces.operators.population import Population
from spikecycle.traces.operators.synapse import Synapse

__all__ = [
    "OPERATOR_KINDS",
    "Add",
    "AttentionProduct",
    "Concatenate",
    "Operator",
    "Pool",
    "Population",
    "Synapse",
    "operator_class",
]
