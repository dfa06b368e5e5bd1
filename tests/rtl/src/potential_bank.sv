// One bank of potentials with what accumulates into it: a read in one cycle, the sum's write in the next. A read of
// the address that is being written gets the sum.
module potential_bank #(
    parameter int WORDS = 4096,
    parameter int ADDRESS_BITS = 12,
    parameter int POTENTIAL_BITS = 24
) (
    input logic clk,
    input logic clear,  // at power-on: all potentials are 0
    input logic [ADDRESS_BITS-1:0] clear_address,
    input logic accumulate,
    input logic [ADDRESS_BITS-1:0] address,
    input logic [POTENTIAL_BITS-1:0] addend,
    input logic update_read,
    input logic [ADDRESS_BITS-1:0] update_read_address,
    output logic [POTENTIAL_BITS-1:0] potential,
    input logic update_write,
    input logic [ADDRESS_BITS-1:0] update_write_address,
    input logic [POTENTIAL_BITS-1:0] updated,
    output logic reading,
    output logic writing
);
  logic adding;
  logic [ADDRESS_BITS-1:0] sum_address;
  logic [POTENTIAL_BITS-1:0] added;
  logic forward;
  logic [POTENTIAL_BITS-1:0] forwarded;
  logic [POTENTIAL_BITS-1:0] sum;

  assign reading = accumulate || update_read;
  assign writing = adding || update_write;
  assign sum = (forward ? forwarded : potential) + added;

  sram #(
      .WORDS(WORDS),
      .WORD_BITS(POTENTIAL_BITS),
      .ADDRESS_BITS(ADDRESS_BITS)
  ) memory (
      .clk,
      .read(reading),
      .read_address(accumulate ? address : update_read_address),
      .read_data(potential),
      .write(writing || clear),
      .write_address(clear ? clear_address : adding ? sum_address : update_write_address),
      .write_data(clear ? '0 : adding ? sum : updated)
  );

  always_ff @(posedge clk) begin
    adding <= accumulate && !clear;
    sum_address <= address;
    added <= addend;
    forward <= adding && accumulate && sum_address == address;
    forwarded <= sum;
  end
endmodule
