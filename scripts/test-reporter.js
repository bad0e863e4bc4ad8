// A reporter for node:test: what one file of tests came to, as JSON, for scripts/javascript-tests.js. Each test that failed is
// in it in full, the others only as counts.
'use strict';

const path = require('node:path');
const { inspect } = require('node:util');

module.exports = async function* report(events) {
  const file = new TestFile();
  for await (const { type, data } of events) file.take(type, data);
  yield JSON.stringify(file.result());
};

class TestFile {
  #passed = 0;
  #failed = 0;
  /** How many were skipped, by reason. @type {Record<string, number>} */
  #skipped = {};
  /** The names of the test that runs and of the suites around it. @type {string[]} */
  #names = [];
  #failures = '';
  /** What tests said by `t.diagnostic`, such as the seed of what they drew at random. */
  #diagnostics = '';

  take(type, data) {
    if (type === 'test:start') this.#names.splice(data.nesting, Infinity, data.name);
    else if (type === 'test:pass' || type === 'test:fail') this.#end(type === 'test:fail', data);
    else if (type === 'test:diagnostic') this.#diagnostics += `ℹ ${data.message}\n`;
  }

  #end(failed, { nesting, name, details, skip, todo, file, line }) {
    this.#names.splice(nesting, Infinity, name);
    const isSuite = details.type === 'suite';
    if (skip !== undefined || todo !== undefined) return this.#skip(isSuite, skip ?? todo);
    if (!failed) return void (this.#passed += isSuite ? 0 : 1);
    // A suite fails with its tests, which were counted and shown.
    if (details.error?.failureType === 'subtestsFailed') return;
    this.#failed++;
    const error = details.error?.cause ?? details.error;
    const where = file === undefined ? '' : `    ${path.relative(process.cwd(), file)}:${line}\n`;
    this.#failures += `\n  ✗ ${this.#names.join(' › ')}\n${where}${inspect(error).replace(/^/gm, '    ')}\n`;
  }

  /** A suite that is skipped stands for its tests, which Node does not list. */
  #skip(isSuite, why) {
    const reason = typeof why === 'string' && why !== '' ? why : 'no reason was given';
    const text = isSuite ? `suites; ${reason}` : reason;
    this.#skipped[text] = (this.#skipped[text] ?? 0) + 1;
  }

  result() {
    return {
      passed: this.#passed,
      failed: this.#failed,
      skipped: this.#skipped,
      failures: this.#failures,
      diagnostics: this.#diagnostics,
    };
  }
}
