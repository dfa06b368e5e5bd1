// Scans the encoded region word by word, one word ahead, and offers its events one by one (section 4, Dispatcher).
module dispatcher #(
    parameter int WORD_BITS = 64,
    parameter int ADDRESS_BITS = 14,
    parameter bit AER = 1'b0
) (
    input logic clk,
    input logic start,  // cycle 0 of a pass
    input array_types::scan_t scan,
    output logic read,
    output logic [ADDRESS_BITS-1:0] read_address,
    input logic [WORD_BITS-1:0] word,
    output logic offer,
    output array_types::event_t offered,
    input logic accept,
    output logic done  // from cycle 1 on: all words have been scanned
);
  localparam int ENTRY_BITS = 24 + array_types::INPUT_BITS;
  localparam int VECTOR_BITS = WORD_BITS + ENTRY_BITS;
  localparam int INDEX_BITS = $clog2(VECTOR_BITS + 1);

  logic current;
  logic [31:0] next_word;
  logic [7:0] part;  // which word of an entry that takes several is current
  logic [VECTOR_BITS-1:0] gathered;  // the words of the entry before it
  logic [INDEX_BITS-1:0] from;  // bits below it have been offered
  logic [15:0] slot;  // AER: the entry of the word
  logic [31:0] remaining;  // AER: entries not finished
  logic [31:0] base;  // bitmap: the word's first position

  // The events of the word.
  logic complete;
  logic [VECTOR_BITS-1:0] vector;
  logic [VECTOR_BITS-1:0] entry;
  logic [array_types::INPUT_BITS-1:0] value;
  logic [VECTOR_BITS-1:0] pending;
  logic [INDEX_BITS-1:0] lowest;
  logic more_bits;
  logic last_of_word;
  logic finished;

  assign complete = part == scan.words_per_entry - 8'd1;
  assign vector = gathered | VECTOR_BITS'(word) << (32'(part) * WORD_BITS);
  assign entry = AER ? vector >> (32'(slot) * 32'(scan.entry_bits)) : vector;
  assign value = scan.input_bits == 5'd1 ? 16'd1
      : 16'(entry >> scan.address_bits) & ~(16'hffff << scan.input_bits);
  assign pending = (AER ? VECTOR_BITS'(value) : vector) & ({VECTOR_BITS{1'b1}} << from);
  assign more_bits = (pending & (pending - 1'b1)) != '0;
  assign offer = current && complete && pending != '0;
  assign last_of_word = !more_bits && (!AER || slot + 16'd1 == scan.entries_per_word || remaining == 32'd1);
  assign finished = current && (!offer || (accept && last_of_word));

  always_comb begin
    lowest = '0;
    for (int i = VECTOR_BITS - 1; i >= 0; i--) if (pending[i]) lowest = INDEX_BITS'(i);
  end

  // Its channel, row and column.
  logic [31:0] position;
  logic [31:0] in_channel;
  logic [31:0] channel;
  logic [31:0] row;
  logic [31:0] column;
  logic [31:0] phase;
  logic [31:0] phases;

  assign position = AER ? 32'(entry[23:0]) & ~(32'hffffffff << scan.address_bits)
      : base + 32'(lowest) / 32'(scan.input_bits);
  assign in_channel = position % scan.plane;
  assign channel = position / scan.plane + 32'(scan.first_channel);
  assign row = in_channel / 32'(scan.columns) + 32'(scan.first_row) + 32'(scan.padding_rows);
  assign column = in_channel % 32'(scan.columns) + 32'(scan.first_column) + 32'(scan.padding_columns);
  assign phase = row % 32'(scan.stride_rows) * 32'(scan.stride_columns) + column % 32'(scan.stride_columns);
  assign phases = 32'(scan.stride_rows) * 32'(scan.stride_columns);
  assign offered.fiber = 16'(channel / 32'(scan.group_channels) * phases + phase);
  assign offered.channel = 16'(channel % 32'(scan.group_channels));
  assign offered.row = 16'(row / 32'(scan.stride_rows));
  assign offered.column = 16'(column / 32'(scan.stride_columns));
  assign offered.number = AER ? 4'(lowest) : 4'(32'(lowest) % 32'(scan.input_bits));

  assign read = start ? scan.words != 32'd0 : finished && next_word != scan.words;
  assign read_address = start ? '0 : ADDRESS_BITS'(next_word);
  assign done = !current;

  always_ff @(posedge clk) begin
    if (start) begin
      current <= scan.words != 32'd0;
      next_word <= 32'd1;
      part <= '0;
      gathered <= '0;
      from <= '0;
      slot <= '0;
      remaining <= scan.entries;
      base <= '0;
    end else if (finished) begin
      current <= next_word != scan.words;
      next_word <= next_word + 32'd1;
      part <= complete ? '0 : part + 8'd1;
      gathered <= complete ? '0 : vector;
      from <= '0;
      slot <= '0;
      if (complete) begin
        base <= base + 32'(scan.entries_per_word);
        remaining <= remaining - 32'd1;
      end
    end else if (offer && accept) begin
      from <= more_bits ? lowest + 1'b1 : '0;
      if (!more_bits) begin
        slot <= slot + 16'd1;
        remaining <= remaining - 32'd1;
      end
    end
  end
endmodule
