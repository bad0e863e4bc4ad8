// Counts what files of tests came to, and prints a line for each.
'use strict';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {Record<string, number>} skipped how many, by reason
 */

class Tally {
  #files;
  #number = 0;
  /** @type {Counts} */
  #totals = { passed: 0, failed: 0, skipped: {} };

  /** @param {number} files how many there will be */
  constructor(files) {
    this.#files = files;
  }

  /**
   * @param {string} name
   * @param {Counts & { seconds: number, text: string }} file `text` is shown if one of its tests failed
   */
  add(name, file) {
    const { passed, failed, skipped, text } = file;
    this.#totals.passed += passed;
    this.#totals.failed += failed;
    for (const [reason, count] of Object.entries(skipped)) addTo(this.#totals.skipped, reason, count);
    process.stdout.write(this.#line(name, file));
    if (failed > 0) process.stdout.write(`${text.trimEnd()}\n\n`);
  }

  #line(name, { passed, failed, skipped, seconds }) {
    const place = `${String(++this.#number).padStart(String(this.#files).length)}/${this.#files}`;
    const counts = [`${passed} passed`];
    if (failed > 0) counts.push(`${failed} FAILED`);
    if (sum(skipped) > 0) counts.push(`${sum(skipped)} skipped`);
    const mark = failed > 0 ? '✗' : '✓';
    return `${mark} ${place} ${name.padEnd(42)} ${counts.join(', ').padEnd(12)} ${seconds.toFixed(1).padStart(6)} s\n`;
  }

  result() {
    return this.#totals;
  }
}

/** @param {Record<string, number>} counts */
function addTo(counts, reason, count) {
  counts[reason] = (counts[reason] ?? 0) + count;
}

/** @param {Record<string, number>} counts */
function sum(counts) {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

module.exports = { Tally, addTo, sum };
