'use strict';
// The history of one run over a store: like log.js, for several processes. A file to which each event is appended in one
// write, so that its place is its place in time, and one that was killed leaves whole events only.

const fs = require('node:fs');

class FileLog {
  #file;
  #requests = 0;

  /**
   * @param {string} name of the file
   * @param {bigint} begin when the log began, by the clock that all processes share
   */
  constructor(name, begin = process.hrtime.bigint()) {
    this.name = name;
    this.begin = begin;
    this.#file = fs.openSync(name, 'a');
  }

  /** A number for a request, that no other one has. */
  newRequest() {
    return `${process.pid}.${this.#requests++}`;
  }

  /**
   * @param {string} kind see log.js
   * @param {Record<string, any>} fields
   */
  add(kind, fields) {
    const time = Number(process.hrtime.bigint() - this.begin) / 1000;
    fs.writeSync(this.#file, `${JSON.stringify({ kind, time, ...fields })}\n`);
  }

  /** All events, for the checker: as those of log.js. */
  events() {
    const lines = fs.readFileSync(this.name, 'utf8').split('\n').slice(0, -1);
    const nothing = { request: -1, key: -1, write: -1, expiry: -1, fence: -1, recovered: -1 };
    return lines.map((line, at) => {
      const { write, recovered, ...event } = JSON.parse(line);
      const flags = Object.entries({ write, recovered }).filter(([, value]) => value !== undefined);
      return {
        ...nothing,
        at,
        ...event,
        ...Object.fromEntries(flags.map(([name, value]) => [name, Number(value)])),
      };
    });
  }

  close() {
    fs.closeSync(this.#file);
  }
}

module.exports = { FileLog };
