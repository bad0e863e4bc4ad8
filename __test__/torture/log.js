'use strict';
// The history of one run: a log in shared memory that every thread writes and that outlives a terminated one.
//
// An event's place in the log is its place in time: each takes the next one with one atomic addition. What
// happened before an event was added is older than it, what happens after it was added is younger.

/** What an event can be; its number is its place here. */
const KINDS = [
  'nothing', // a thread was terminated while it wrote
  'asked', // about to be asked for
  'returned', // the call that asked has returned: the request is in the queue, or has ended
  'granted', // the holder knows that it holds
  'downgrading', // about to be made a read hold
  'downgraded', // is a read hold
  'releasing', // about to be released
  'released', // was released, and not taken away before
  'expired', // the holder knows that its hold was taken away
  'ended', // was released, or had been taken away: the holder of several keys does not learn which
  'failed', // will never be granted
  'dying', // the thread is about to end itself
  'killing', // the thread is about to be terminated
  'died', // the thread has ended
];
const NUMBERS = Object.fromEntries(KINDS.map((kind, number) => [kind, number]));

// The header: how many events there are, how many requests, and when the log began.
const EVENTS = 0;
const REQUESTS = 1;
const BEGIN = 1; // in 8 bytes
const HEADER = 4;

const FIELDS = ['thread', 'request', 'key', 'write', 'expiry', 'fence', 'recovered'];
/** A kind, a time and the fields. */
const SIZE = 2 + FIELDS.length;

class Log {
  /** @param {SharedArrayBuffer} buffer */
  constructor(buffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.begin = new BigInt64Array(buffer, 0, 2)[BEGIN];
  }

  /** An empty log with room for so many events. */
  static create(capacity = 20_000) {
    const buffer = new SharedArrayBuffer((HEADER + capacity * SIZE) * Int32Array.BYTES_PER_ELEMENT);
    new BigInt64Array(buffer, 0, 2)[BEGIN] = process.hrtime.bigint();
    return new Log(buffer);
  }

  /** A number for a request, that no other one has. */
  newRequest() {
    return Atomics.add(this.words, REQUESTS, 1);
  }

  /**
   * @param {string} kind
   * @param {Record<string, number | boolean | undefined>} fields those of FIELDS that say something
   */
  add(kind, fields) {
    const time = Number(process.hrtime.bigint() - this.begin) / 1000;
    const at = HEADER + Atomics.add(this.words, EVENTS, 1) * SIZE;
    if (at + SIZE > this.words.length) throw new Error('the log is full');
    this.words[at + 1] = time;
    FIELDS.forEach((field, i) => {
      this.words[at + 2 + i] = Number(fields[field] ?? -1);
    });
    // Last: until then the place says that nothing happened.
    Atomics.store(this.words, at, NUMBERS[kind]);
  }

  /**
   * All events, for the checker. Times are microseconds, expiries milliseconds; a field that does not say
   * anything is -1.
   */
  events() {
    const events = [];
    for (let place = 0; place < this.words[EVENTS]; place++) {
      const at = HEADER + place * SIZE;
      const kind = KINDS[this.words[at]];
      if (kind === 'nothing') continue;
      const event = { at: place, kind, time: this.words[at + 1] };
      FIELDS.forEach((field, i) => {
        event[field] = this.words[at + 2 + i];
      });
      events.push(event);
    }
    return events;
  }
}

module.exports = { Log };
