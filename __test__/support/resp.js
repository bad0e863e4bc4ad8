'use strict';
// The protocol that Redis speaks, as far as the tests need it: commands that are sent, answers that are read.

/** @param {(string | number | Buffer)[]} words a command */
function encode(words) {
  const parts = [`*${words.length}\r\n`];
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
    parts.push(`$${bytes.length}\r\n`, bytes, '\r\n');
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

/** Reads values (of RESP2) out of a stream of bytes, whose pieces end anywhere. */
class Reader {
  #bytes = Buffer.alloc(0);
  #at = 0;

  /**
   * @param {Buffer} piece
   * @returns {any[]} the values that are whole by now: strings, numbers, lists, null and errors
   */
  read(piece) {
    this.#bytes = this.#bytes.length === 0 ? piece : Buffer.concat([this.#bytes, piece]);
    const values = [];
    for (;;) {
      this.#at = 0;
      const value = this.#value();
      if (value === undefined) return values;
      values.push(value);
      this.#bytes = this.#bytes.subarray(this.#at);
    }
  }

  /** A value; undefined if it is not whole yet. */
  #value() {
    const end = this.#bytes.indexOf('\r\n', this.#at);
    if (end === -1) return undefined;
    const sort = String.fromCharCode(this.#bytes[this.#at]);
    const text = this.#bytes.toString('utf8', this.#at + 1, end);
    this.#at = end + 2;
    if (sort === '+') return text;
    if (sort === '-') return new Error(text);
    if (sort === ':') return Number(text);
    if (sort === '$') return this.#bulk(Number(text));
    if (sort === '*') return this.#list(Number(text));
    throw new Error(`not RESP2: ${sort}${text}`);
  }

  #bulk(length) {
    if (length === -1) return null;
    const from = this.#at;
    this.#at = from + length + 2;
    return this.#bytes.length < this.#at ? undefined : this.#bytes.toString('utf8', from, from + length);
  }

  #list(length) {
    if (length === -1) return null;
    const list = [];
    while (list.length < length) {
      const value = this.#value();
      if (value === undefined) return undefined;
      list.push(value);
    }
    return list;
  }
}

module.exports = { encode, Reader };
