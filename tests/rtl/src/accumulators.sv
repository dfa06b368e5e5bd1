// Takes a step of the decoder and gives its weights to the banks of potentials, one a bank at a time (section 4,
// Accumulators). A bank takes one accumulate a cycle, or one in two cycles if it has a single port.
module accumulators #(
    parameter int LANES = 4,
    parameter int BANKS = 4,
    parameter int PORTS = 2,
    parameter int TAP_ROWS = 3,
    parameter int TAP_COLUMNS = 3,
    parameter int POTENTIAL_BITS = 24
) (
    input logic clk,
    input logic reset,
    input logic locate,  // the cycle after the event was popped
    input array_types::target_t target,
    input array_types::shape_t shape,
    input logic [3:0] number,  // of the input's bit
    input logic [array_types::SIZE_BITS-1:0] value_bits,

    output logic ready,  // for a step
    input logic step,
    input logic [LANES-1:0] valid,
    input logic [LANES*array_types::LENGTH_BITS-1:0] positions,
    input logic [LANES*array_types::VALUE_BITS-1:0] values,

    output logic [BANKS-1:0] accumulate,
    output logic [BANKS*array_types::PLACE_BITS-1:0] addresses,
    output logic [BANKS*POTENTIAL_BITS-1:0] addends,
    output logic [7:0] accumulates,
    output logic [7:0] dropped,
    output logic busy
);
  localparam int BANK_BITS = BANKS > 1 ? $clog2(BANKS) : 1;

  logic [TAP_ROWS*array_types::TAP_BITS-1:0] tap_rows;
  logic [TAP_COLUMNS*array_types::TAP_BITS-1:0] tap_columns;
  taps #(
      .TAP_ROWS(TAP_ROWS),
      .TAP_COLUMNS(TAP_COLUMNS)
  ) fiber_taps (
      .clk,
      .locate,
      .target,
      .shape,
      .rows(tap_rows),
      .columns(tap_columns)
  );

  // The step as it comes.
  logic [LANES-1:0] lands;
  logic [LANES*24-1:0] places;
  logic [LANES*POTENTIAL_BITS-1:0] products;
  for (genvar lane = 0; lane < LANES; lane++) begin : lanes
    logic [POTENTIAL_BITS-1:0] sign;
    logic [POTENTIAL_BITS-1:0] value;
    locate #(
        .TAP_ROWS(TAP_ROWS),
        .TAP_COLUMNS(TAP_COLUMNS)
    ) place (
        .rows(tap_rows),
        .columns(tap_columns),
        .position(positions[lane*16+:16]),
        .lands(lands[lane]),
        .address(places[lane*24+:24])
    );
    assign sign = POTENTIAL_BITS'(1) << (value_bits - 5'd1);
    assign value = (POTENTIAL_BITS'(values[lane*16+:16]) ^ sign) - sign;
    assign products[lane*POTENTIAL_BITS+:POTENTIAL_BITS] = value << number;
  end

  always_comb begin
    dropped = '0;
    for (int lane = 0; lane < LANES; lane++) if (valid[lane] && !lands[lane]) dropped = dropped + 8'd1;
  end

  // The step that is being accumulated.
  logic [LANES-1:0] pending;
  logic [LANES*24-1:0] address;
  logic [LANES*POTENTIAL_BITS-1:0] addend;
  logic [LANES-1:0] served;
  logic second;  // with one port: the cycle in which the sums are written

  always_comb begin
    served = '0;
    accumulate = '0;
    addresses = '0;
    addends = '0;
    accumulates = '0;
    for (int lane = 0; lane < LANES; lane++) begin
      logic [BANK_BITS-1:0] bank;
      bank = BANK_BITS'(address[lane*24+:24] % 24'(BANKS));
      if (pending[lane] && !accumulate[bank]) begin
        served[lane] = 1'b1;
        accumulate[bank] = 1'b1;
        addresses[bank*24+:24] = address[lane*24+:24];
        addends[bank*POTENTIAL_BITS+:POTENTIAL_BITS] = addend[lane*POTENTIAL_BITS+:POTENTIAL_BITS];
        if (!second) accumulates = accumulates + 8'd1;
      end
    end
    if (second) accumulate = '0;
  end

  logic finish;  // what is served is done in this cycle
  assign finish = PORTS == 2 || second;
  assign ready  = pending == '0 || (finish && pending == served);
  assign busy   = pending != '0;

  always_ff @(posedge clk) begin
    if (step) begin
      address <= places;
      addend  <= products;
    end
    if (reset) pending <= '0;
    else if (step) pending <= valid & lands;
    else if (finish) pending <= pending & ~served;
    second <= !reset && PORTS == 1 && busy && !second;
  end
endmodule
