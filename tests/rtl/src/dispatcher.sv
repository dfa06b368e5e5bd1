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
  localparam int COUNT_BITS = AER ? 24 : INDEX_BITS + 1;  // of what a position is on from `at`
  localparam int GROUP_BITS = AER ? 16 : COUNT_BITS;

  localparam int COORDINATE = array_types::COORDINATE_BITS;
  localparam int SIZE = array_types::SIZE_BITS;
  typedef struct packed {
    logic [COORDINATE-1:0] group;
    logic [COORDINATE-1:0] channel;  // within the group
    logic [COORDINATE-1:0] row;  // of the region
    logic [COORDINATE-1:0] column;
  } coordinates_t;

  logic current;
  logic [31:0] next_word;
  logic [7:0] part;  // which word of an entry that takes several is current
  logic [VECTOR_BITS-1:0] gathered;  // the words of the entry before it
  logic [INDEX_BITS-1:0] from;  // bits below it have been offered
  logic [15:0] slot;  // AER: the entry of the word
  logic [31:0] remaining;  // AER: entries not finished
  coordinates_t at;  // bitmap: of the word's first position; AER: of the region's
  coordinates_t next_at;

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

  one_hot_number #(
      .WIDTH(VECTOR_BITS),
      .NUMBER_BITS(INDEX_BITS)
  ) lowest_number (
      .one_hot(pending & -pending),
      .number(lowest)
  );

  // How many positions it lies behind `at`, and which bit of its value it is.
  logic [INDEX_BITS-1:0] value_index;
  logic [SIZE-1:0] bit_of_value;
  logic [COUNT_BITS-1:0] positions_on;
  divide #(
      .QUOTIENT_BITS(INDEX_BITS),
      .DIVISOR_BITS(SIZE)
  ) by_input_bits (
      .dividend((INDEX_BITS + SIZE)'(lowest)),
      .divisor(scan.input_bits),
      .quotient(value_index),
      .remainder(bit_of_value)
  );
  assign positions_on = AER ? COUNT_BITS'(entry[23:0] & ~(24'hffffff << scan.address_bits)) : COUNT_BITS'(value_index);
  assign offered.number = AER ? 4'(lowest) : bit_of_value[3:0];

  logic unused;
  assign unused = bit_of_value[SIZE-1];

  // Its column, row, channel and group: each counts on where the one before is full.
  logic [COUNT_BITS-1:0] rows_on;
  logic [COUNT_BITS-1:0] channels_on;
  logic [GROUP_BITS-1:0] groups_on;
  logic [COORDINATE-1:0] column;
  logic [COORDINATE-1:0] row;
  divide #(
      .QUOTIENT_BITS(COUNT_BITS),
      .DIVISOR_BITS(COORDINATE)
  ) by_columns (
      .dividend((COUNT_BITS + COORDINATE)'(at.column) + (COUNT_BITS + COORDINATE)'(positions_on)),
      .divisor(scan.columns),
      .quotient(rows_on),
      .remainder(column)
  );
  divide #(
      .QUOTIENT_BITS(COUNT_BITS),
      .DIVISOR_BITS(COORDINATE)
  ) by_rows (
      .dividend((COUNT_BITS + COORDINATE)'(at.row) + (COUNT_BITS + COORDINATE)'(rows_on)),
      .divisor(scan.rows),
      .quotient(channels_on),
      .remainder(row)
  );
  divide #(
      .QUOTIENT_BITS(GROUP_BITS),
      .DIVISOR_BITS(COORDINATE)
  ) by_channels (
      .dividend((GROUP_BITS + COORDINATE)'(at.channel) + (GROUP_BITS + COORDINATE)'(channels_on)),
      .divisor(scan.group_channels),
      .quotient(groups_on),
      .remainder(offered.channel)
  );

  // The output row and column of its first tap, and its phase.
  logic [7:0] phase_row;
  logic [7:0] phase_column;
  divide #(
      .QUOTIENT_BITS(COORDINATE),
      .DIVISOR_BITS(8)
  ) by_stride_rows (
      .dividend({8'd0, row + scan.first_row}),
      .divisor(scan.stride_rows),
      .quotient(offered.row),
      .remainder(phase_row)
  );
  divide #(
      .QUOTIENT_BITS(COORDINATE),
      .DIVISOR_BITS(8)
  ) by_stride_columns (
      .dividend({8'd0, column + scan.first_column}),
      .divisor(scan.stride_columns),
      .quotient(offered.column),
      .remainder(phase_column)
  );
  assign offered.fiber = (at.group + COORDINATE'(groups_on)) * scan.phases
      + COORDINATE'(phase_row) * COORDINATE'(scan.stride_columns) + COORDINATE'(phase_column);

  // A bitmap's next word: as many positions on as a word has, digit by digit with a carry.
  logic [COORDINATE:0] column_sum;
  logic [COORDINATE:0] row_sum;
  logic [COORDINATE:0] channel_sum;
  logic next_row;
  logic next_channel;
  logic next_group;
  assign column_sum = {1'b0, at.column} + {1'b0, scan.word_columns};
  assign next_row = column_sum >= {1'b0, scan.columns};
  assign row_sum = {1'b0, at.row} + {1'b0, scan.word_rows} + (COORDINATE + 1)'(next_row);
  assign next_channel = row_sum >= {1'b0, scan.rows};
  assign channel_sum = {1'b0, at.channel} + {1'b0, scan.word_channels} + (COORDINATE + 1)'(next_channel);
  assign next_group = channel_sum >= {1'b0, scan.group_channels};
  assign next_at.column = COORDINATE'(next_row ? column_sum - {1'b0, scan.columns} : column_sum);
  assign next_at.row = COORDINATE'(next_channel ? row_sum - {1'b0, scan.rows} : row_sum);
  assign next_at.channel = COORDINATE'(next_group ? channel_sum - {1'b0, scan.group_channels} : channel_sum);
  assign next_at.group = at.group + scan.word_groups + COORDINATE'(next_group);

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
      at <= {scan.first_group, scan.first_channel, COORDINATE'(0), COORDINATE'(0)};
    end else if (finished) begin
      current <= next_word != scan.words;
      next_word <= next_word + 32'd1;
      part <= complete ? '0 : part + 8'd1;
      gathered <= complete ? '0 : vector;
      from <= '0;
      slot <= '0;
      if (complete) begin
        if (!AER) at <= next_at;
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
