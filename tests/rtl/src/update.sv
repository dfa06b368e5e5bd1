// The sweep over a PE's neurons (section 5): addresses in one cycle, potentials read in the next, neurons computed and
// written in the third, so that two cycles fill and drain it.
module update #(
    parameter bit SPARSE = 1'b0,
    parameter int LANES = 4,  // neurons at a time; 1 if sparse
    parameter int FLAGS = 32,
    parameter int PORTS = 2,
    parameter int BANKS = 4,
    parameter int NEURONS = 16384,
    parameter int CHANNELS = 256,
    parameter int POTENTIAL_BITS = 24
) (
    input logic clk,
    input logic reset,
    input logic clear,
    input logic [array_types::PLACE_BITS-1:0] clear_address,
    input array_types::shape_t shape,
    input array_types::order_t order,
    input array_types::neuron_t neuron,

    input logic load,  // a local channel's threshold and bias
    input logic [array_types::COORDINATE_BITS-1:0] load_address,
    input logic [2*POTENTIAL_BITS-1:0] load_data,

    input logic start,  // the sweep begins in the next cycle
    output logic done,  // in its last cycle and after
    input logic [BANKS-1:0] accumulate,
    input logic [BANKS*array_types::PLACE_BITS-1:0] accumulated,

    output logic [LANES-1:0] read,
    output logic [LANES*array_types::PLACE_BITS-1:0] read_addresses,
    input logic [LANES*POTENTIAL_BITS-1:0] sums,  // what was read in the cycle before
    output logic [LANES-1:0] write,
    output logic [LANES*array_types::PLACE_BITS-1:0] write_addresses,
    output logic [LANES*POTENTIAL_BITS-1:0] stored,
    output logic [LANES-1:0] spiking,
    output logic [LANES*array_types::PLACE_BITS-1:0] spikes,
    output logic [7:0] updates
);
  localparam int PLACE = array_types::PLACE_BITS;
  localparam int CHANNEL_BITS = CHANNELS > 1 ? $clog2(CHANNELS) : 1;

  logic unused;
  assign unused = &{1'b0, load_address};

  // First cycle: which neurons.
  logic walking;
  logic second;  // with one port a group has two cycles: a read and a write
  logic draining;
  logic advance;
  logic last;
  logic [LANES-1:0] valid;
  logic [LANES*PLACE-1:0] addresses;
  logic [LANES*16-1:0] channels;
  logic [LANES*PLACE-1:0] numbers;
  logic [LANES-1:0] active;

  assign advance = walking && (PORTS == 2 || second || valid == '0);
  assign done = !walking && !draining;

  always_ff @(posedge clk) begin
    if (reset) walking <= 1'b0;
    else if (start) walking <= order.neurons != '0;
    else if (advance && last) walking <= 1'b0;
    second   <= walking && !advance;
    draining <= walking && !reset;
  end

  if (SPARSE) begin : sparse
    sweep_sparse #(
        .FLAGS(FLAGS),
        .NEURONS(NEURONS),
        .BANKS(BANKS)
    ) sweep (
        .clk,
        .clear,
        .clear_address,
        .start,
        .advance,
        .shape,
        .order,
        .last,
        .valid,
        .address(addresses),
        .channel(channels),
        .spike(numbers),
        .accumulate,
        .accumulated,
        .update(write),
        .updated(write_addresses),
        .active
    );
  end else begin : dense
    sweep_dense #(
        .LANES(LANES)
    ) sweep (
        .clk,
        .start,
        .advance,
        .shape,
        .order,
        .last,
        .valid,
        .addresses,
        .channels,
        .spikes(numbers)
    );
    logic unused_flags;
    assign unused_flags = &{1'b0, clear, clear_address, accumulate, accumulated, active};
  end

  // Second cycle: read.
  logic [LANES*16-1:0] read_channels;
  logic [LANES*PLACE-1:0] read_numbers;
  always_ff @(posedge clk) begin
    read <= walking && !second && !reset ? valid : '0;
    read_addresses <= addresses;
    read_channels <= channels;
    read_numbers <= numbers;
  end

  // Third cycle: compute and write.
  logic [2*POTENTIAL_BITS-1:0] parameters[0:CHANNELS-1];  // threshold, bias
  logic [LANES*16-1:0] write_channels;
  logic [LANES*PLACE-1:0] write_numbers;
  logic [LANES-1:0] firing;
  always_ff @(posedge clk) begin
    if (load) parameters[CHANNEL_BITS'(load_address)] <= load_data;
    write <= reset ? '0 : read;
    write_addresses <= read_addresses;
    write_channels <= read_channels;
    write_numbers <= read_numbers;
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : neurons
    logic [2*POTENTIAL_BITS-1:0] channel;
    logic [POTENTIAL_BITS-1:0] sum;
    // Outside the sweep operands are 0, so that nothing toggles.
    assign channel = write[lane] ? parameters[CHANNEL_BITS'(write_channels[lane*16+:16])] : '0;
    assign sum = write[lane] ? sums[lane*POTENTIAL_BITS+:POTENTIAL_BITS] : '0;
    neuron #(
        .POTENTIAL_BITS(POTENTIAL_BITS)
    ) unit (
        .neuron,
        .sum,
        .bias(channel[POTENTIAL_BITS+:POTENTIAL_BITS]),
        .threshold(channel[0+:POTENTIAL_BITS]),
        .spike(firing[lane]),
        .active(active[lane]),
        .stored(stored[lane*POTENTIAL_BITS+:POTENTIAL_BITS])
    );
  end
  assign spiking = write & firing;
  assign spikes  = write_numbers;

  always_comb begin
    updates = '0;
    for (int lane = 0; lane < LANES; lane++) updates = updates + 8'(write[lane]);
  end
endmodule
