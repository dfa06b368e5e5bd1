"""Names, version and limits of the trace file; FORMAT.md documents each of them and a test holds it to that."""

from __future__ import annotations

FORMAT = "spikecycle-trace"
VERSION = 2  # the latest that is read: a network of operators
LAYERS_VERSION = 1  # a list of layers

CHECKSUM = "sha256"  # attribute of every dataset of a version 2 file, and the dataset beside a tensor's values
CHECKSUM_BYTES = 32
PROVENANCE_CHECKSUM = "provenance_sha256"
NETWORK_ATTRIBUTES = ("N", "T", "format", "provenance", PROVENANCE_CHECKSUM, "version")
NETWORK_MEMBERS = ("labels", "operators", "tensors")

ROOT_ATTRIBUTES = ("N", "T", "format", "provenance", "version")
ROOT_MEMBERS = ("labels", "layers")
OPTIONAL_ROOT_MEMBERS = frozenset({"labels"})
LAYER_ATTRIBUTES = (
    "C", "H", "M", "R", "S", "W", "groups", "input_bits", "leak_numerator", "leak_shift", "name", "neuron",
    "operator", "padding", "potential_bits", "reset", "reset_value", "stride", "weight_bits",
)  # fmt: skip
LAYER_MEMBERS = ("bias", "inputs", "outputs", "threshold", "weight_scale", "weights")
OPTIONAL_LAYER_MEMBERS = frozenset({"bias", "outputs"})

MAX_INPUT_BITS = 16  # an input value fits uint16
MIN_WEIGHT_BITS, MAX_WEIGHT_BITS = 2, 32  # a ternary code needs 2 bits; a code fits int32
MAX_POTENTIAL_BITS = 32
MAX_LEAK_SHIFT = 16
MAX_NAME_CHARACTERS = 120
MAX_DIMENSION = 2**24  # of any shape parameter, N and T
MAX_WEIGHTS = 2**28  # codes of one layer, held in memory as int32
MAX_SAMPLE_VALUES = 2**30  # inputs or outputs of one layer and sample, held in memory unpacked
MAX_CHUNK_BYTES = 2**27  # of one HDF5 chunk, which is read as a whole
MAX_PROVENANCE_BYTES = 60_000  # HDF5 keeps up to 64 KiB in an attribute
MAX_SUM = 2**62  # of magnitudes that meet in one potential, so that int64 sums are exact
MAX_TENSOR_BITS = 62  # without sign: values of every tensor stay within MAX_SUM
MAX_OPERATORS = 2**12  # of one network, and so of its tensors; a damaged file that claims more is noticed
MAX_INPUTS = 2**8  # of one operator
MAX_NEURON_PARAMETERS = 2**24  # thresholds, leaks or start potentials of one population, read when a trace is opened

CHUNK_CACHE_BYTES = 2**20  # per open dataset; a chunk is read once, so a large cache would only hold memory
