'use strict';
// Ten free keys are taken in one call and released, beside one: by turns.

const { median } = require('../statistics');
const { ratioLine, toResult } = require('./lines');
const { withWorkers } = require('./workers');

const OURS = 'latchkey';
const TEN = Array.from({ length: 10 }, (_, i) => `of ten ${i}`);
const PAIRS = 50;

/**
 * @param {string} name
 * @param {number} target how many times as long as one key
 * @returns {import('./scenarios').Scenario}
 */
function tenKeys(name, target) {
  return {
    name,
    run: (port, { rounds }) =>
      withWorkers(1, OURS, port, undefined, async ([worker]) => {
        /** @type {number[]} */
        const one = [];
        /** @type {number[]} */
        const ten = [];
        for (let round = 0; round < rounds; round++) {
          one.push(...(await worker.call('timedPairs', 'one', PAIRS)));
          ten.push(...(await worker.call('timedPairs', TEN, PAIRS)));
        }
        return [
          ratioLine(name, 'ns', toResult('ten keys', median(ten)), toResult('one key', median(one)), target),
        ];
      }),
  };
}

module.exports = { tenKeys };
