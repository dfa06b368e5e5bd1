// Where a weight goes: from its position in the fiber to a potential of the PE's part of the tile.
module locate (
    input array_types::target_t target,
    input array_types::shape_t shape,
    input logic [array_types::LENGTH_BITS-1:0] position,
    output logic lands,
    output logic [array_types::PLACE_BITS-1:0] address
);
  // A fiber holds tap row by tap row, tap column by tap column, local channel by local channel.
  logic [15:0] tap;
  logic signed [16:0] row;
  logic signed [16:0] column;
  logic [15:0] channel;
  assign tap = position / target.channels;
  assign channel = position % target.channels + target.first;
  assign row = target.row - $signed({1'b0, tap / 16'(target.tap_columns)});
  assign column = target.column - $signed({1'b0, tap % 16'(target.tap_columns)});
  assign lands = row >= 17'sd0 && row < $signed({1'b0, shape.rows})
      && column >= 17'sd0 && column < $signed({1'b0, shape.columns});
  assign address = (24'(row[15:0]) * 24'(shape.columns) + 24'(column[15:0])) * 24'(shape.channels) + 24'(channel);
endmodule
