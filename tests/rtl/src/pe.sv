// A processing element: FIFO, fiber fetch, decoder, accumulators, potentials, update.
module pe #(
    parameter int FORMAT = array_types::BITMASK,
    parameter bit SKIP = 1'b1,
    parameter int LANES = 4,
    parameter int MASK_BITS = 32,  // decoder.mask_bits_per_cycle
    parameter int COORDINATES = 4,  // decoder.coordinates_per_cycle
    parameter int RUNS = 2,  // decoder.runs_per_cycle
    parameter int RUN_BITS = 5,
    parameter int FIFO_DEPTH = 8,
    parameter int ALIGNMENT_BITS = 8,
    parameter int WEIGHT_BITS = 64,
    parameter int WEIGHT_WORDS = 4096,
    parameter int DIRECTORY_BITS = 24,
    parameter int DIRECTORY_WORDS = 4096,
    parameter int POTENTIAL_BITS = 24,
    parameter int POTENTIAL_WORDS = 16384,
    parameter int BANKS = 4,
    parameter int PORTS = 2,
    parameter bit SPARSE = 1'b0,
    parameter int UPDATE_LANES = 4,
    parameter int FLAGS = 32,
    parameter int FIBER_WORDS = 32,  // the longest fiber
    parameter int TAP_ROWS = 3,  // most of a fiber
    parameter int TAP_COLUMNS = 3,
    parameter int FIBERS = 64,  // groups · phases
    parameter int CHANNELS = 256  // of a tile
) (
    input logic clk,
    input logic reset,
    input logic [array_types::PLACE_BITS-1:0] clear_address,
    input logic [array_types::NEURON_BITS-1:0] neuron_bits,
    input logic [array_types::SIZE_BITS-1:0] value_bits,
    input logic [4:0] directory_start_bits,

    input logic load,
    input logic [2:0] load_memory,
    input logic [31:0] load_address,
    input logic [array_types::LOAD_BITS-1:0] load_data,

    input logic push,
    input logic [array_types::EVENT_BITS-1:0] pushed,
    output logic full,
    output logic quiet,  // free, and nothing in the FIFO
    input logic sweep,
    output logic swept,
    output logic [UPDATE_LANES-1:0] spiking,
    output logic [UPDATE_LANES*array_types::PLACE_BITS-1:0] spikes,
    output logic [array_types::ACTIVITY_BITS-1:0] activity_bits
);
  /* verilator hier_block */  // one body of code for all PEs; its ports are plain vectors
  localparam int PLACE = array_types::PLACE_BITS;
  localparam int WEIGHT_ADDRESS = WEIGHT_WORDS > 1 ? $clog2(WEIGHT_WORDS) : 1;
  localparam int DIRECTORY_ADDRESS = DIRECTORY_WORDS > 1 ? $clog2(DIRECTORY_WORDS) : 1;
  localparam int BANK_WORDS = (POTENTIAL_WORDS + BANKS - 1) / BANKS;
  localparam int BANK_ADDRESS = BANK_WORDS > 1 ? $clog2(BANK_WORDS) : 1;
  localparam int STORED_BITS = FIBER_WORDS * WEIGHT_BITS;
  localparam int FIBER_BITS = $clog2(STORED_BITS + 1);
  localparam int PADDED_BITS = STORED_BITS + (MASK_BITS > 32 * LANES ? MASK_BITS : 32 * LANES);  // a step's most
  localparam int FIBER_INDEX = FIBERS > 1 ? $clog2(FIBERS) : 1;

  logic unused;
  assign unused = &{1'b0, load_address, load_data};

  array_types::neuron_t neuron;
  array_types::activity_t activity;
  assign neuron = neuron_bits;
  assign activity_bits = activity;

  // What is loaded.
  logic load_weights;
  logic load_directory;
  logic load_fiber;
  logic load_channel;
  logic load_part;
  assign load_weights = load && load_memory == 3'd0;
  assign load_directory = load && load_memory == 3'd1;
  assign load_fiber = load && load_memory == 3'd2;
  assign load_channel = load && load_memory == 3'd3;
  assign load_part = load && load_memory == 3'd4;

  array_types::origin_t origin;
  array_types::shape_t shape;
  array_types::order_t order;
  logic [array_types::FIBER_ROW_BITS-1:0] fibers[0:FIBERS-1];
  always_ff @(posedge clk) begin
    if (load_part) {origin, shape, order} <= load_data[array_types::PART_BITS-1:0];
    if (load_fiber) fibers[FIBER_INDEX'(load_address)] <= load_data[array_types::FIBER_ROW_BITS-1:0];
  end

  // Fetch.
  array_types::event_t head;
  logic empty;
  logic pop;
  event_fifo #(
      .DEPTH(FIFO_DEPTH)
  ) fifo (
      .clk,
      .reset,
      .push,
      .pushed,
      .pop,
      .head,
      .full,
      .empty
  );

  logic directory_read;
  logic [DIRECTORY_ADDRESS-1:0] directory_address;
  logic [DIRECTORY_BITS-1:0] directory_entry;
  sram #(
      .WORDS(DIRECTORY_WORDS),
      .WORD_BITS(DIRECTORY_BITS),
      .ADDRESS_BITS(DIRECTORY_ADDRESS)
  ) directory (
      .clk,
      .read(directory_read),
      .read_address(directory_address),
      .read_data(directory_entry),
      .write(load_directory),
      .write_address(DIRECTORY_ADDRESS'(load_address)),
      .write_data(DIRECTORY_BITS'(load_data))
  );

  logic weight_read;
  logic [WEIGHT_ADDRESS-1:0] weight_address;
  logic [WEIGHT_BITS-1:0] weight_word;
  sram #(
      .WORDS(WEIGHT_WORDS),
      .WORD_BITS(WEIGHT_BITS),
      .ADDRESS_BITS(WEIGHT_ADDRESS)
  ) weights (
      .clk,
      .read(weight_read),
      .read_address(weight_address),
      .read_data(weight_word),
      .write(load_weights),
      .write_address(WEIGHT_ADDRESS'(load_address)),
      .write_data(WEIGHT_BITS'(load_data))
  );

  logic open;
  logic start;
  logic idle;
  logic decoded;
  logic ready;
  logic locate;
  array_types::target_t target;
  logic [3:0] number;
  logic [15:0] length;
  logic [15:0] entries;
  logic [array_types::SIZE_BITS-1:0] position_bits;
  logic [STORED_BITS-1:0] stored;
  logic [FIBER_BITS-1:0] first_bit;
  logic [FIBER_BITS-1:0] here;
  fiber_fetch #(
      .FORMAT(FORMAT),
      .RUN_BITS(RUN_BITS),
      .WORD_BITS(WEIGHT_BITS),
      .ADDRESS_BITS(WEIGHT_ADDRESS),
      .DIRECTORY_BITS(DIRECTORY_BITS),
      .DIRECTORY_ADDRESS_BITS(DIRECTORY_ADDRESS),
      .ALIGNMENT_BITS(ALIGNMENT_BITS),
      .FIBER_WORDS(FIBER_WORDS),
      .FIBER_BITS(FIBER_BITS)
  ) fetch (
      .clk,
      .reset,
      .value_bits,
      .directory_start_bits,
      .origin,
      .rows(shape.rows),
      .columns(shape.columns),
      .empty,
      .head,
      .pop,
      .fiber(fibers[FIBER_INDEX'(head.fiber)]),
      .directory_read,
      .directory_address,
      .directory_entry,
      .weight_read,
      .weight_address,
      .weight_word,
      .open,
      .start,
      .length,
      .entries,
      .position_bits,
      .locate,
      .target,
      .number,
      .stored,
      .first_bit,
      .here,
      .decoded,
      .accumulated(ready),
      .idle
  );

  // Decode.
  logic step;
  logic step_ready;
  logic last;
  logic [LANES-1:0] valid;
  logic [LANES*16-1:0] positions;
  logic [LANES*16-1:0] values;
  logic [7:0] gated;
  assign step = open && !decoded && step_ready && ready;
  always_ff @(posedge clk)
    if (start) decoded <= 1'b0;
    else if (step && last) decoded <= 1'b1;

  decoder #(
      .FORMAT(FORMAT),
      .SKIP(SKIP),
      .LANES(LANES),
      .MASK_BITS(MASK_BITS),
      .COORDINATES(COORDINATES),
      .RUNS(RUNS),
      .RUN_BITS(RUN_BITS),
      .STORED_BITS(PADDED_BITS),
      .FIBER_BITS(FIBER_BITS)
  ) decode (
      .clk,
      .start,
      .step,
      .value_bits,
      .position_bits,
      .length,
      .entries,
      .stored(PADDED_BITS'(stored)),
      .first_bit,
      .here,
      .ready(step_ready),
      .last,
      .valid,
      .positions,
      .values,
      .gated
  );

  // Accumulate.
  logic [BANKS-1:0] accumulate;
  logic [BANKS*PLACE-1:0] accumulated;
  logic [BANKS*POTENTIAL_BITS-1:0] addends;
  logic [7:0] accumulates;
  logic [7:0] dropped;
  logic busy;
  accumulators #(
      .LANES(LANES),
      .BANKS(BANKS),
      .PORTS(PORTS),
      .TAP_ROWS(TAP_ROWS),
      .TAP_COLUMNS(TAP_COLUMNS),
      .POTENTIAL_BITS(POTENTIAL_BITS)
  ) accumulation (
      .clk,
      .reset,
      .locate,
      .target,
      .shape,
      .number,
      .value_bits,
      .ready,
      .step,
      .valid,
      .positions,
      .values,
      .accumulate,
      .addresses(accumulated),
      .addends,
      .accumulates,
      .dropped,
      .busy
  );

  // Update, and the banks.
  logic [7:0] updates;
  logic [7:0] potential_reads;
  logic [7:0] potential_writes;
  logic [UPDATE_LANES-1:0] update_read;
  logic [UPDATE_LANES*PLACE-1:0] update_read_addresses;
  logic [UPDATE_LANES*POTENTIAL_BITS-1:0] sums;
  logic [UPDATE_LANES-1:0] update_write;
  logic [UPDATE_LANES*PLACE-1:0] update_write_addresses;
  logic [UPDATE_LANES*POTENTIAL_BITS-1:0] updated;
  update #(
      .SPARSE(SPARSE),
      .LANES(UPDATE_LANES),
      .FLAGS(FLAGS),
      .PORTS(PORTS),
      .BANKS(BANKS),
      .NEURONS(POTENTIAL_WORDS),
      .CHANNELS(CHANNELS),
      .POTENTIAL_BITS(POTENTIAL_BITS)
  ) updating (
      .clk,
      .reset,
      .clear(reset),
      .clear_address,
      .shape,
      .order,
      .neuron,
      .load(load_channel),
      .load_address(16'(load_address)),
      .load_data(load_data[2*POTENTIAL_BITS-1:0]),
      .start(sweep),
      .done(swept),
      .accumulate,
      .accumulated,
      .read(update_read),
      .read_addresses(update_read_addresses),
      .sums,
      .write(update_write),
      .write_addresses(update_write_addresses),
      .stored(updated),
      .spiking,
      .spikes,
      .updates
  );

  potentials #(
      .BANKS(BANKS),
      .PORTS(PORTS),
      .BANK_WORDS(BANK_WORDS),
      .ADDRESS_BITS(BANK_ADDRESS),
      .POTENTIAL_BITS(POTENTIAL_BITS),
      .UPDATE_LANES(UPDATE_LANES)
  ) banks (
      .clk,
      .clear(reset),
      .clear_address(BANK_ADDRESS'(clear_address)),
      .accumulate,
      .accumulated,
      .addends,
      .read(update_read),
      .read_addresses(update_read_addresses),
      .sums,
      .write(update_write),
      .write_addresses(update_write_addresses),
      .updated,
      .reads(potential_reads),
      .writes(potential_writes)
  );

  assign quiet = idle && empty;
  assign activity.weight_write = load_weights;
  assign activity.weight_read = weight_read;
  assign activity.directory_write = load_directory;
  assign activity.directory_read = directory_read;
  assign activity.push = push;
  assign activity.pop = pop;
  assign activity.potential_reads = potential_reads;
  assign activity.potential_writes = potential_writes;
  assign activity.accumulates = accumulates;
  assign activity.dropped = step ? dropped : '0;
  assign activity.gated = step ? gated : '0;
  assign activity.updates = updates;
  assign activity.busy = busy;
endmodule
