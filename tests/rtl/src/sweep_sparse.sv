// The active neurons of the PE's part, one at a time: flags are scanned in address order, `FLAGS` of them at a time.
module sweep_sparse #(
    parameter int FLAGS = 32,
    parameter int NEURONS = 16384,
    parameter int BANKS = 4
) (
    input logic clk,
    input logic clear,  // at power-on: all neurons are at rest
    input logic [array_types::PLACE_BITS-1:0] clear_address,
    input logic start,
    input logic advance,
    input array_types::shape_t shape,
    input array_types::order_t order,
    output logic last,
    output logic valid,
    output logic [array_types::PLACE_BITS-1:0] address,
    output logic [array_types::COORDINATE_BITS-1:0] channel,
    output logic [array_types::PLACE_BITS-1:0] spike,

    input logic [BANKS-1:0] accumulate,  // sets flags
    input logic [BANKS*array_types::PLACE_BITS-1:0] accumulated,
    input logic update,  // sets or clears one
    input logic [array_types::PLACE_BITS-1:0] updated,
    input logic active
);
  localparam int PLACE = array_types::PLACE_BITS;
  localparam int GROUPS = (NEURONS + FLAGS - 1) / FLAGS;
  localparam int FLAG_BITS = FLAGS > 1 ? $clog2(FLAGS) : 1;
  localparam int GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;

  logic unused;
  assign unused = &{1'b0, shape.rows, shape.row_potentials, clear_address};

  logic [FLAGS-1:0] flags[0:GROUPS-1];
  logic [PLACE-1:0] first;  // neuron of the group
  logic [GROUP_BITS-1:0] group;
  logic [FLAGS-1:0] visited;  // of the group
  logic [FLAGS-1:0] waiting;
  logic [PLACE-1:0] index;
  logic one;  // at most

  assign waiting = flags[group] & ~visited;
  assign valid = waiting != '0;
  assign one = (waiting & (waiting - 1'b1)) == '0;
  assign last = one && first + PLACE'(FLAGS) >= order.neurons;

  always_comb begin
    index = '0;
    for (int i = FLAGS - 1; i >= 0; i--) if (waiting[i]) index = PLACE'(i);
  end

  logic [PLACE-1:0] place;
  assign address = first + index;
  assign place = address / 24'(shape.channels);
  assign channel = 16'(address % 24'(shape.channels));
  assign spike = order.base + 24'(channel) * order.channel_pitch
      + place / 24'(shape.columns) * order.row_pitch + place % 24'(shape.columns);

  always_ff @(posedge clk) begin
    if (start) begin
      first <= '0;
      group <= '0;
      visited <= '0;
    end else if (advance) begin
      if (one) begin
        first <= first + PLACE'(FLAGS);
        group <= group + 1'b1;
        visited <= '0;
      end else visited <= visited | (waiting & -waiting);
    end
    if (clear) flags[GROUP_BITS'(clear_address)] <= '0;
    else begin
      for (int bank = 0; bank < BANKS; bank++)
      if (accumulate[bank])
        flags[GROUP_BITS'(accumulated[bank*PLACE+:PLACE]/PLACE'(FLAGS))][FLAG_BITS'(accumulated[bank*PLACE+:PLACE]%PLACE'(FLAGS))] <= 1'b1;
      if (update) flags[GROUP_BITS'(updated/PLACE'(FLAGS))][FLAG_BITS'(updated%PLACE'(FLAGS))] <= active;
    end
  end
endmodule
