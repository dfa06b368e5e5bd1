// A PE's potentials: address a lies in bank a mod BANKS.
module potentials #(
    parameter int BANKS = 4,
    parameter int PORTS = 2,
    parameter int BANK_WORDS = 4096,
    parameter int ADDRESS_BITS = 12,
    parameter int POTENTIAL_BITS = 24,
    parameter int UPDATE_LANES = 4
) (
    input logic clk,
    input logic clear,
    input logic [ADDRESS_BITS-1:0] clear_address,
    input logic [BANKS-1:0] accumulate,
    input logic [BANKS*array_types::PLACE_BITS-1:0] accumulated,
    input logic [BANKS*POTENTIAL_BITS-1:0] addends,
    input logic [UPDATE_LANES-1:0] read,
    input logic [UPDATE_LANES*array_types::PLACE_BITS-1:0] read_addresses,
    output logic [UPDATE_LANES*POTENTIAL_BITS-1:0] sums,
    input logic [UPDATE_LANES-1:0] write,
    input logic [UPDATE_LANES*array_types::PLACE_BITS-1:0] write_addresses,
    input logic [UPDATE_LANES*POTENTIAL_BITS-1:0] updated,
    output logic [7:0] reads,
    output logic [7:0] writes
);
  localparam int PLACE = array_types::PLACE_BITS;
  localparam int BANK_BITS = BANKS > 1 ? $clog2(BANKS) : 1;

  function automatic int bank_of(input logic [PLACE-1:0] address);
    bank_of = 32'(address) % BANKS;
  endfunction

  // The update's lanes hold addresses that follow each other, so that no two want the same bank.
  logic [BANKS-1:0] bank_read;
  logic [BANKS*ADDRESS_BITS-1:0] bank_read_addresses;
  logic [BANKS-1:0] bank_write;
  logic [BANKS*ADDRESS_BITS-1:0] bank_write_addresses;
  logic [BANKS*POTENTIAL_BITS-1:0] bank_updated;
  logic [BANKS*POTENTIAL_BITS-1:0] bank_potentials;
  logic [BANKS-1:0] reading;
  logic [BANKS-1:0] writing;

  always_comb begin
    bank_read = '0;
    bank_read_addresses = '0;
    bank_write = '0;
    bank_write_addresses = '0;
    bank_updated = '0;
    for (int lane = 0; lane < UPDATE_LANES; lane++) begin
      logic [BANK_BITS-1:0] read_bank;
      logic [BANK_BITS-1:0] write_bank;
      read_bank = BANK_BITS'(bank_of(read_addresses[lane*PLACE+:PLACE]));
      write_bank = BANK_BITS'(bank_of(write_addresses[lane*PLACE+:PLACE]));
      if (read[lane]) begin
        bank_read[read_bank] = 1'b1;
        bank_read_addresses[read_bank*ADDRESS_BITS+:ADDRESS_BITS] =
            ADDRESS_BITS'(read_addresses[lane*PLACE+:PLACE] / PLACE'(BANKS));
      end
      if (write[lane]) begin
        bank_write[write_bank] = 1'b1;
        bank_write_addresses[write_bank*ADDRESS_BITS+:ADDRESS_BITS] =
            ADDRESS_BITS'(write_addresses[lane*PLACE+:PLACE] / PLACE'(BANKS));
        bank_updated[write_bank*POTENTIAL_BITS+:POTENTIAL_BITS] = updated[lane*POTENTIAL_BITS+:POTENTIAL_BITS];
      end
    end
  end

  // What was read in the cycle before is written in this one: the same lanes, the same banks.
  always_comb
    for (int lane = 0; lane < UPDATE_LANES; lane++)
      sums[lane*POTENTIAL_BITS+:POTENTIAL_BITS] =
          bank_potentials[bank_of(write_addresses[lane*PLACE+:PLACE])*POTENTIAL_BITS+:POTENTIAL_BITS];

  for (genvar bank = 0; bank < BANKS; bank++) begin : banks
    potential_bank #(
        .WORDS(BANK_WORDS),
        .ADDRESS_BITS(ADDRESS_BITS),
        .POTENTIAL_BITS(POTENTIAL_BITS)
    ) memory (
        .clk,
        .clear,
        .clear_address,
        .accumulate(accumulate[bank]),
        .address(ADDRESS_BITS'(accumulated[bank*PLACE+:PLACE] / PLACE'(BANKS))),
        .addend(addends[bank*POTENTIAL_BITS+:POTENTIAL_BITS]),
        .update_read(bank_read[bank]),
        .update_read_address(bank_read_addresses[bank*ADDRESS_BITS+:ADDRESS_BITS]),
        .potential(bank_potentials[bank*POTENTIAL_BITS+:POTENTIAL_BITS]),
        .update_write(bank_write[bank]),
        .update_write_address(bank_write_addresses[bank*ADDRESS_BITS+:ADDRESS_BITS]),
        .updated(bank_updated[bank*POTENTIAL_BITS+:POTENTIAL_BITS]),
        .reading(reading[bank]),
        .writing(writing[bank])
    );
    // A single port does one of the two in a cycle.
    if (PORTS == 1) begin : single
      always_ff @(posedge clk) assert (!(reading[bank] && writing[bank]));
    end
  end

  always_comb begin
    reads = '0;
    writes = '0;
    for (int bank = 0; bank < BANKS; bank++) begin
      reads  = reads + 8'(reading[bank]);
      writes = writes + 8'(writing[bank]);
    end
  end
endmodule
