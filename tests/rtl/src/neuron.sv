// One timestep of a neuron (traces/FORMAT.md). The stored potential has leaked already, so the leak comes last.
module neuron #(
    parameter int POTENTIAL_BITS = 24
) (
    input array_types::neuron_t neuron,
    input logic [POTENTIAL_BITS-1:0] sum,  // stored potential and the timestep's weights
    input logic [POTENTIAL_BITS-1:0] bias,
    input logic [POTENTIAL_BITS-1:0] threshold,
    output logic spike,
    output logic active,  // not at rest: the potential before the leak is not 0
    output logic [POTENTIAL_BITS-1:0] stored
);
  localparam int BITS = POTENTIAL_BITS;
  logic signed [BITS:0] exact;
  logic signed [BITS:0] maximum;
  logic signed [BITS-1:0] saturated;
  logic signed [BITS-1:0] potential;
  logic signed [BITS+17:0] product;

  assign exact = $signed({sum[BITS-1], sum}) + $signed({bias[BITS-1], bias});
  assign maximum = $signed((BITS + 1)'(neuron.maximum));
  assign saturated = exact > maximum ? BITS'(maximum) : exact < ~maximum ? BITS'(~maximum) : BITS'(exact);
  assign spike = saturated >= $signed(threshold);
  assign potential = !spike ? saturated : neuron.soft_reset ? saturated - $signed(threshold)
      : BITS'($signed(neuron.reset_value));
  assign active = potential != '0 && !neuron.last_timestep;
  assign product = potential * $signed({1'b0, neuron.leak_numerator});
  assign stored = neuron.last_timestep ? '0 : BITS'(product >>> neuron.leak_shift);
endmodule
