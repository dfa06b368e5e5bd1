// All neurons of the PE's part in address order, `lanes` at a time. An address counts channels within columns within
// rows; spikes are numbered in the tile's order channel, row, column.
module sweep_dense #(
    parameter int LANES = 4
) (
    input logic clk,
    input logic start,
    input logic advance,  // to the next group
    input array_types::shape_t shape,
    input array_types::order_t order,
    output logic last,  // group
    output logic [LANES-1:0] valid,
    output logic [LANES*array_types::PLACE_BITS-1:0] addresses,
    output logic [LANES*array_types::COORDINATE_BITS-1:0] channels,
    output logic [LANES*array_types::PLACE_BITS-1:0] spikes
);
  localparam int PLACE = array_types::PLACE_BITS;

  logic unused;
  assign unused = &{1'b0, shape.rows, shape.row_potentials};

  typedef struct packed {
    logic [PLACE-1:0] address;
    logic [15:0] channel;
    logic [15:0] column;
    logic [PLACE-1:0] channel_spikes;  // spike number of the channel, of the row's first and of the position
    logic [PLACE-1:0] row_spike;
    logic [PLACE-1:0] spike;
  } walk_t;
  walk_t walk;
  walk_t walked;

  assign last = walk.address + PLACE'(LANES) >= order.neurons;

  always_comb begin
    walked = walk;
    for (int lane = 0; lane < LANES; lane++) begin
      valid[lane] = walked.address < order.neurons;
      addresses[lane*PLACE+:PLACE] = walked.address;
      channels[lane*16+:16] = walked.channel;
      spikes[lane*PLACE+:PLACE] = walked.channel_spikes + walked.spike;
      walked.address = walked.address + 1'b1;
      if (walked.channel + 16'd1 != shape.channels) begin
        walked.channel = walked.channel + 16'd1;
        walked.channel_spikes = walked.channel_spikes + order.channel_pitch;
      end else begin
        walked.channel = '0;
        walked.channel_spikes = '0;
        walked.column = walked.column + 16'd1;
        walked.spike = walked.spike + 1'b1;
        if (walked.column == shape.columns) begin
          walked.column = '0;
          walked.row_spike = walked.row_spike + order.row_pitch;
          walked.spike = walked.row_spike;
        end
      end
    end
  end

  always_ff @(posedge clk)
    if (start) begin
      walk.address <= '0;
      walk.channel <= '0;
      walk.column <= '0;
      walk.channel_spikes <= '0;
      walk.row_spike <= order.base;
      walk.spike <= order.base;
    end else if (advance) walk <= walked;
endmodule
