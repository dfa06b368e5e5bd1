// The spike array of simulator/dataflows/spike_array/MICROARCHITECTURE.md, which this is written from. What is loaded
// between passes (a layer's weights, a pass's spikes, the registers that say what both are) comes through one port.
module spike_array #(
    parameter int PES = 16,
    parameter int FORMAT = array_types::BITMASK,
    parameter bit SKIP = 1'b1,  // zero_weights
    parameter int LANES = 4,
    parameter int MASK_BITS = 32,
    parameter int COORDINATES = 4,
    parameter int RUNS = 2,
    parameter int RUN_BITS = 5,
    parameter int FIFO_DEPTH = 8,
    parameter int ALIGNMENT_BITS = 8,
    parameter bit SPARSE = 1'b0,  // update
    parameter int UPDATE_LANES = 4,
    parameter int FLAGS = 32,
    parameter bit AER = 1'b0,  // format of spikes
    parameter int SPIKE_BITS = 64,
    parameter int SPIKE_WORDS = 16384,
    parameter int WEIGHT_BITS = 64,
    parameter int WEIGHT_WORDS = 4096,
    parameter int DIRECTORY_BITS = 24,
    parameter int DIRECTORY_WORDS = 4096,
    parameter int POTENTIAL_BITS = 24,
    parameter int POTENTIAL_WORDS = 16384,
    parameter int BANKS = 4,
    parameter int PORTS = 2,
    parameter int OUTPUT_BITS = 128,
    parameter int OUTPUT_WORDS = 4096,
    parameter int FIBER_WORDS = 32,
    parameter int TAP_ROWS = 3,
    parameter int TAP_COLUMNS = 3,
    parameter int FIBERS = 64,
    parameter int CHANNELS = 256,
    parameter int TILE_NEURONS = 262144
) (
    input logic clk,
    input logic reset,
    input logic [array_types::PLACE_BITS-1:0] clear_address,  // counts up during reset

    input logic load,
    input logic [2:0] load_memory,
    input logic [7:0] load_pe,
    input logic [31:0] load_address,
    input logic [array_types::LOAD_BITS-1:0] load_data,

    input logic start,
    input logic updates,  // the pass is its timestep's last
    output logic running,

    input logic output_read,
    input logic [31:0] output_address,
    output logic [OUTPUT_BITS-1:0] output_word,
    output logic [31:0] output_words,  // written so far by the pass
    output logic [21*64-1:0] counts
);
  localparam int PLACE = array_types::PLACE_BITS;
  localparam int ACTIVITY = array_types::ACTIVITY_BITS;
  localparam int SPIKE_ADDRESS = SPIKE_WORDS > 1 ? $clog2(SPIKE_WORDS) : 1;
  localparam int OUTPUT_ADDRESS = OUTPUT_WORDS > 1 ? $clog2(OUTPUT_WORDS) : 1;
  localparam int SWEEP_LANES = SPARSE ? 1 : UPDATE_LANES;

  logic unused;
  assign unused = &{1'b0, output_address};

  // Registers.
  array_types::scan_t scan;
  array_types::neuron_t neuron;
  array_types::encode_t encoded;
  logic [array_types::SIZE_BITS-1:0] value_bits;
  logic [4:0] directory_start_bits;
  logic load_spikes;
  logic load_layer;
  assign load_spikes = load && load_memory == 3'd5;
  assign load_layer  = load && load_memory == 3'd7;
  always_ff @(posedge clk) begin
    if (load && load_memory == 3'd6) scan <= load_data[array_types::SCAN_BITS-1:0];
    if (load_layer && load_address == 32'd0) neuron <= load_data[array_types::NEURON_BITS-1:0];
    if (load_layer && load_address == 32'd1) encoded <= load_data[array_types::ENCODE_BITS-1:0];
    if (load_layer && load_address == 32'd2) {value_bits, directory_start_bits} <= load_data[9:0];
  end

  // Phases.
  logic first;
  logic scanned;
  logic sweep;
  logic encoding;
  logic encode_last;
  logic accumulating;
  logic sweeping;
  logic [PES-1:0] full;
  logic [PES-1:0] quiet;
  logic [PES-1:0] swept;
  sequencer phases (
      .clk,
      .reset,
      .start,
      .updates,
      .first,
      .scanned,
      .quiet(&quiet),
      .sweep,
      .swept(&swept),
      .encoding,
      .encoded(encode_last),
      .accumulating,
      .sweeping
  );
  assign running = accumulating || sweeping || encoding;

  // Spikes.
  logic spike_read;
  logic [SPIKE_ADDRESS-1:0] spike_address;
  logic [SPIKE_BITS-1:0] spike_word;
  logic offer;
  logic accept;
  array_types::event_t offered;
  sram #(
      .WORDS(SPIKE_WORDS),
      .WORD_BITS(SPIKE_BITS),
      .ADDRESS_BITS(SPIKE_ADDRESS)
  ) spikes (
      .clk,
      .read(spike_read),
      .read_address(spike_address),
      .read_data(spike_word),
      .write(load_spikes),
      .write_address(SPIKE_ADDRESS'(load_address)),
      .write_data(SPIKE_BITS'(load_data))
  );
  dispatcher #(
      .WORD_BITS(SPIKE_BITS),
      .ADDRESS_BITS(SPIKE_ADDRESS),
      .AER(AER)
  ) dispatch (
      .clk,
      .start(first),
      .scan,
      .read(spike_read),
      .read_address(spike_address),
      .word(spike_word),
      .offer,
      .offered,
      .accept,
      .done(scanned)
  );
  assign accept = full == '0;

  // PEs.
  logic [PES*SWEEP_LANES-1:0] spiking;
  logic [PES*SWEEP_LANES*PLACE-1:0] spiked;
  logic [PES*ACTIVITY-1:0] activities;
  for (genvar i = 0; i < PES; i++) begin : pes
    pe #(
        .FORMAT(FORMAT),
        .SKIP(SKIP),
        .LANES(LANES),
        .MASK_BITS(MASK_BITS),
        .COORDINATES(COORDINATES),
        .RUNS(RUNS),
        .RUN_BITS(RUN_BITS),
        .FIFO_DEPTH(FIFO_DEPTH),
        .ALIGNMENT_BITS(ALIGNMENT_BITS),
        .WEIGHT_BITS(WEIGHT_BITS),
        .WEIGHT_WORDS(WEIGHT_WORDS),
        .DIRECTORY_BITS(DIRECTORY_BITS),
        .DIRECTORY_WORDS(DIRECTORY_WORDS),
        .POTENTIAL_BITS(POTENTIAL_BITS),
        .POTENTIAL_WORDS(POTENTIAL_WORDS),
        .BANKS(BANKS),
        .PORTS(PORTS),
        .SPARSE(SPARSE),
        .UPDATE_LANES(SWEEP_LANES),
        .FLAGS(FLAGS),
        .FIBER_WORDS(FIBER_WORDS),
        .TAP_ROWS(TAP_ROWS),
        .TAP_COLUMNS(TAP_COLUMNS),
        .FIBERS(FIBERS),
        .CHANNELS(CHANNELS)
    ) element (
        .clk,
        .reset,
        .clear_address,
        .neuron_bits(neuron),
        .value_bits,
        .directory_start_bits,
        .load(load && load_pe == 8'(i)),
        .load_memory,
        .load_address,
        .load_data,
        .push(offer && accept),
        .pushed(offered),
        .full(full[i]),
        .quiet(quiet[i]),
        .sweep,
        .swept(swept[i]),
        .spiking(spiking[i*SWEEP_LANES+:SWEEP_LANES]),
        .spikes(spiked[i*SWEEP_LANES*PLACE+:SWEEP_LANES*PLACE]),
        .activity_bits(activities[i*ACTIVITY+:ACTIVITY])
    );
  end

  // Outputs.
  logic output_write;
  logic [OUTPUT_ADDRESS-1:0] output_write_address;
  logic [OUTPUT_BITS-1:0] output_write_word;
  encoder #(
      .AER(AER),
      .SOURCES(PES * SWEEP_LANES),
      .NEURONS(TILE_NEURONS),
      .WORD_BITS(OUTPUT_BITS),
      .WORDS(OUTPUT_WORDS),
      .ADDRESS_BITS(OUTPUT_ADDRESS)
  ) encoding_unit (
      .clk,
      .clear(reset),
      .clear_address,
      .encode(encoded),
      .spiking,
      .spikes(spiked),
      .start(first),
      .run(encoding),
      .last(encode_last),
      .write(output_write),
      .address(output_write_address),
      .word(output_write_word),
      .written(output_words)
  );
  sram #(
      .WORDS(OUTPUT_WORDS),
      .WORD_BITS(OUTPUT_BITS),
      .ADDRESS_BITS(OUTPUT_ADDRESS)
  ) outputs (
      .clk,
      .read(output_read),
      .read_address(OUTPUT_ADDRESS'(output_address)),
      .read_data(output_word),
      .write(output_write),
      .write_address(output_write_address),
      .write_data(output_write_word)
  );

  counters #(
      .PES(PES)
  ) counting (
      .clk,
      .reset,
      .accumulating,
      .sweeping,
      .encoding,
      .spikes_write(load_spikes),
      .spikes_read(spike_read),
      .outputs_write(output_write),
      .outputs_read(output_read),
      .broadcast(offer && accept),
      .activities,
      .counts
  );
endmodule
